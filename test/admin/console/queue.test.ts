import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { requirement } from '../../helpers/hold.ts';
import { CHROMIUM, openScene, type Scene } from './scene.ts';

const MINUTE = 60_000;
/** More than the console reads at first, and than it draws at first. */
const HOLDS = 90;

describe.skipIf(CHROMIUM === null)('the queue in Chromium', () => {
  let scene: Scene;
  /** What is due first comes first; it was opened last. */
  const ids: string[] = [];
  beforeAll(async () => {
    scene = await openScene();
    for (let number = HOLDS; number > 0; number -= 1) ids.unshift(await open(number));
  });
  afterAll(() => scene?.close());

  const open = (number: number) =>
    scene.desk.hold(
      `{"amount":${10_000 + number},"currency":"usd"}`,
      {
        requirements: [requirement(['finance'])],
        expiresIn: 300 * MINUTE,
        respondWithin: (60 + number) * MINUTE,
        reversible: true,
      },
      { digest: String(number).padStart(64, '0') },
    );

  test('a long queue begins with what is due first, is drawn as far as it is seen, and keys go down it to its end', async () => {
    const { page, wrongs } = await scene.visit('/holds');
    await page.getByText(`${HOLDS} wait for a person`).waitFor();
    const links = page.locator('a[data-hold]');
    expect(await links.count()).toBeLessThan(HOLDS);
    const seen: (string | null)[] = [];
    for (let number = 0; number < HOLDS; number += 1) {
      await page.keyboard.press('j');
      seen.push(await page.locator(':focus').getAttribute('data-hold'));
    }
    expect(seen).toEqual(ids);
    expect(wrongs).toEqual([]);
    await page.context().close();
  });

  test('a hold that is decided while the rest of the queue is read does not come back with it', async () => {
    const { page } = await scene.visit('/me');
    const decided = Promise.withResolvers<void>();
    await page.route(/\/api\/holds\?.*cursor=/, async (route) => {
      const before = await route.fetch();
      await decided.promise;
      await route.fulfill({ response: before });
    });
    const rest = page.waitForRequest(/\/api\/holds\?.*cursor=/);
    await page.goto(`${scene.desk.url}/holds`);
    await rest;
    await page.getByText('Live', { exact: true }).waitFor();
    await scene.desk.post(`/api/holds/${ids.at(-1)}/reject`, { body: { code: 'other' } });
    // The stream tells these after the rejection.
    const others = [await open(-1), await open(-2)];
    for (const other of others) await page.locator(`a[data-hold="${other}"]`).waitFor();
    decided.resolve();
    await expect.poll(() => page.locator('.page-head p').textContent()).toBe(`${HOLDS + 1} wait for a person`);
    await page.context().close();
  });
});
