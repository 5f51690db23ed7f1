import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CHROMIUM, openScene, type Scene } from './scene.ts';

const MINUTE = 60_000;

describe.skipIf(CHROMIUM === null)('the console in Chromium', () => {
  let scene: Scene;
  let count = 0;
  beforeAll(async () => {
    scene = await openScene();
  });
  afterAll(() => scene?.close());

  /** Another call each time: an identical one would find the same hold. */
  function hold(amount: number): Promise<string> {
    count += 1;
    return scene.desk.hold(
      `{"amount":${amount},"currency":"usd","charge":"ch_${count}"}`,
      { expiresIn: 30 * MINUTE, reversible: true },
      { digest: String(count).padStart(64, '0') },
    );
  }
  const read = async (id: string) =>
    (await scene.desk.get(`/api/holds/${id}`)).json as Readonly<Record<string, unknown>>;

  test('a hold is escalated from the keyboard, to a group and with a note', async () => {
    const id = await hold(60_001);
    const { page } = await scene.visit(`/holds/${id}`);
    await page.getByRole('button', { name: 'Escalate', exact: true }).waitFor();
    await page.keyboard.press('s');
    const first = page.getByRole('checkbox', { name: 'finance-leads' });
    await expect.poll(() => first.evaluate((box) => box === document.activeElement)).toBe(true);
    await page.keyboard.press('Tab');
    await page.keyboard.press('Space');
    await page.getByLabel('Note').fill('A new kind of refund.');
    await page.keyboard.press('Control+Enter');
    await expect
      .poll(async () => (await read(id))['routing'])
      .toMatchObject({ escalations: [{ to: ['legal'], by: 'ben@example.com', note: 'A new kind of refund.' }] });
    await page.context().close();
  });

  test('a call that a person takes over asks that person how it went', async () => {
    const id = await hold(60_002);
    const { page } = await scene.visit(`/holds/${id}`);
    await page.getByRole('button', { name: 'Take over' }).waitFor();
    await page.keyboard.press('t');
    await page.getByRole('button', { name: 'Take over' }).click();
    await expect.poll(async () => (await read(id))['status']).toBe('taken-over');
    await page.getByLabel('Reference').fill('re_42');
    await page.getByRole('button', { name: 'It was done' }).click();
    await expect
      .poll(async () => (await read(id))['outcome'])
      .toMatchObject({ result: 'executed', reference: 're_42' });
    await page.context().close();
  });

  test('an approval for a while says what it covers before it is given', async () => {
    const id = await hold(60_003);
    const { page } = await scene.visit(`/holds/${id}`);
    await page.getByRole('button', { name: 'For a while…' }).click();
    await page.getByLabel('Further calls, at most').fill('3');
    await page.getByText('It can be revoked at any time.').waitFor();
    await page.getByRole('button', { name: 'Approve for a while' }).click();
    await page.getByRole('heading', { name: 'What happened' }).waitFor();
    const { items } = (await scene.desk.get('/api/grants')).json as { items: { hold_id: string; uses: number }[] };
    expect(items.filter(({ hold_id }) => hold_id === id)).toMatchObject([{ uses: 3 }]);
    await page.context().close();
  });

  test('holds of one rule and one shape are selected in the queue and approved together', async () => {
    const ids = [await hold(60_004), await hold(60_005)];
    const { page, wrongs } = await scene.visit('/holds');
    for (const id of ids) await page.locator(`li:has(a[data-hold="${id}"]) input[type="checkbox"]`).check();
    await page.getByRole('link', { name: 'Decide on 2 together' }).click();
    const table = page.getByRole('table');
    await expect.poll(() => table.innerText()).toMatch(/60004[\s\S]*60005|60005[\s\S]*60004/);
    await page.getByRole('button', { name: 'Approve 2' }).click();
    await expect
      .poll(async () => Promise.all(ids.map(async (id) => (await read(id))['status'])), { timeout: 20_000 })
      .toEqual(['approved', 'approved']);
    expect(wrongs).toEqual([]);
    await page.context().close();
  });

  test('a page without its stream says so, and shows what came meanwhile once it has one again', async () => {
    const { page } = await scene.visit('/holds');
    await page.route('**/api/stream', (route) => route.abort());
    await page.reload();
    await page.getByText('The gateway cannot be reached').waitFor();
    const id = await hold(60_006);
    await page.unroute('**/api/stream');
    await page.locator(`a[data-hold="${id}"]`).waitFor();
    await expect.poll(() => page.getByText('The gateway cannot be reached').count()).toBe(0);
    await page.context().close();
  });
});
