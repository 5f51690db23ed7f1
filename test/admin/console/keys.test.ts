import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { requirement } from '../../helpers/hold.ts';
import { CHROMIUM, openScene, type Scene } from './scene.ts';

const MINUTE = 60_000;

describe.skipIf(CHROMIUM === null)('the keys in Chromium', () => {
  let scene: Scene;
  let count = 0;
  beforeAll(async () => {
    scene = await openScene();
  });
  afterAll(() => scene?.close());

  const hold = (amount: number, level: 2 | 3) =>
    scene.desk.hold(
      `{"amount":${amount},"currency":"usd"}`,
      { requirements: [requirement(['finance'])], expiresIn: 30 * MINUTE, reversible: false, level },
      { digest: String((count += 1)).padStart(64, '0') },
    );
  const read = async (id: string) => (await scene.desk.get(`/api/holds/${id}`)).json as Record<string, unknown>;

  test('a call that cannot be undone is approved by its amount and Ctrl with Enter, and j goes on at once', async () => {
    const [id, next] = [await hold(70_001, 2), await hold(70_002, 2)];
    const { page } = await scene.visit(`/holds/${id}`);
    await page.getByText('1 of').waitFor();
    await page.keyboard.press('a');
    await page.keyboard.type('70001');
    await page.keyboard.press('Enter');
    expect(await page.getByRole('button', { name: 'Undo' }).count()).toBe(0);
    await page.keyboard.press('Control+Enter');
    await page.keyboard.press('j');
    await expect.poll(() => page.url()).toContain(next);
    await expect.poll(async () => (await read(id))['status']).toBe('approved');
    await page.context().close();
  });

  test('a call that a person takes over by keys is reported on by keys', async () => {
    const id = await hold(70_003, 3);
    const { page } = await scene.visit(`/holds/${id}`);
    await page.getByRole('button', { name: 'Take over' }).waitFor();
    await page.keyboard.press('t');
    await page.keyboard.type('70003');
    await page.keyboard.press('Control+Enter');
    await page.getByLabel('Reference').waitFor();
    await expect.poll(() => page.locator('input:focus').count()).toBe(1);
    await page.keyboard.type('re_43');
    await page.keyboard.press('Control+Enter');
    await expect
      .poll(async () => (await read(id))['outcome'])
      .toMatchObject({ result: 'executed', reference: 're_43' });
    await page.context().close();
  });
});
