import { statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PRINCIPAL } from '../../helpers/hold.ts';
import { CHROMIUM, openScene, type Scene } from './scene.ts';

/** The picture in the README. `vitest run test/admin/console/picture.test.ts -u` takes it anew. */
const PICTURE = join(import.meta.dirname, '../../../admin/console/held-call.png');
/** Bytes: everybody who clones this has it. */
const LARGEST = 150_000;
const MINUTE = 60_000;
const OPENED = Date.parse('2026-03-02T09:41:00Z');

const BODY = `{"charge":"ch_3Rd000000000000000002","amount":30000,"currency":"usd","reason":"requested_by_customer"}`;
const REASON = 'A refund of 300.00 is over the 50.00 that agents may refund by themselves.';
const CLAIMS = `{"task":"T-104233","client":"ACME","summary":"Parcel 88213 arrived damaged; the customer asks for the whole amount.","recommended_action":"approve"}`;
const INPUT = `{"principal":{"agent":"${PRINCIPAL.agent}","session":null},"action":{"headers":{"content-type":"application/json"},"body_bytes":${BODY.length},"body":${BODY}},"resource":{"type":"refunds","id":null},"context":{"flags":[],"confidence":0.92,"claims":${CLAIMS}}}`;

describe.skipIf(CHROMIUM === null)('the console in Chromium', () => {
  let scene: Scene;
  beforeAll(async () => {
    scene = await openScene();
  });
  afterAll(() => scene?.close());

  test('the picture in the README shows a held call as the console shows it', async () => {
    const { desk } = scene;
    desk.now = OPENED;
    const headers = ['Content-Type', 'application/json', 'Authorization', 'Bearer agent-secret'];
    const id = await desk.hold(
      BODY,
      { respondWithin: 10 * MINUTE, expiresIn: 30 * MINUTE, editable: ['/amount'] },
      {
        operation: 'POST /v1/refunds',
        reason: REASON,
        rules: [{ id: 'rules.payments/refund-over-limit', verdict: 'hold', reason: REASON, trigger: 'rule' }],
        cost: { amount: 300, unit: 'USD' },
        claims: { session: null, task: 'T-104233', confidence: 0.92, flags: [], reversible: null },
        call: { method: 'POST', target: '/v1/refunds', headers, body: Buffer.from(BODY), input: INPUT },
      },
    );
    desk.now += 4 * MINUTE;
    const look = { timezoneId: 'UTC', locale: 'en-GB', viewport: { width: 1280, height: 800 } };
    const { page, wrongs } = await scene.visit('/holds', 'ben', look);
    await page.clock.setFixedTime(desk.now);
    await page.goto(`${desk.url}/holds/${id}`);
    await page.getByRole('button', { name: 'Approve' }).waitFor();
    for (const last of ['1 of 1', 'This operation has not been decided on before.', 'Opened it.'])
      await page.getByText(last).waitFor();
    const text = (await page.getByRole('main').innerText())
      .replaceAll(/hold_[0-9a-f]{32}/g, 'hold_…')
      .replaceAll(/\b[0-9a-f]{64}\b/g, '…');
    await expect(text).toMatchFileSnapshot('./__snapshots__/held-call.txt');
    const { snapshotState } = expect.getState();
    if (snapshotState.snapshotUpdateState === 'all') writeFileSync(PICTURE, await page.screenshot());
    expect(statSync(PICTURE).size).toBeLessThan(LARGEST);
    expect(wrongs).toEqual([]);
    await page.context().close();
  });
});
