import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CHROMIUM, openScene, type Scene } from './scene.ts';

describe.skipIf(CHROMIUM === null)('the way between pages in Chromium', () => {
  let scene: Scene;
  beforeAll(async () => {
    scene = await openScene();
  });
  afterAll(async () => {
    await scene?.close();
  });

  test('on a phone every page is two taps away, in the dark too', async () => {
    const { page, wrongs } = await scene.visit('/holds', 'ben', {
      viewport: { width: 380, height: 800 },
      hasTouch: true,
      colorScheme: 'dark',
    });
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(380);
    const more = page.getByRole('button', { name: 'More' });
    const list = page.locator('#more-pages');
    const names = await list.locator('a').allInnerTexts();
    expect(names).toContain('Policy');
    for (const name of names) {
      await more.tap();
      expect(await scene.axe(page)).toEqual([]);
      const { x, width } = (await list.boundingBox())!;
      expect([name, x >= 0 && x + width <= 380]).toEqual([name, true]);
      await list.getByRole('link', { name, exact: true }).tap();
      await list.waitFor({ state: 'hidden' });
      await page.getByRole('main').waitFor();
      expect(
        await list
          .locator('a[aria-current=page]')
          .allInnerTexts()
          .then(([first]) => first ?? name),
      ).toBe(name);
    }
    expect(wrongs).toEqual([]);
    await page.context().close();
  });

  test('the list of pages opens and closes with keys alone', async () => {
    const { page } = await scene.visit('/holds');
    const list = page.locator('#more-pages');
    await page.getByRole('button', { name: 'More' }).press('Enter');
    await list.waitFor();
    await page.keyboard.press('Tab');
    expect(
      await list
        .locator('a')
        .first()
        .evaluate((link) => link === document.activeElement),
    ).toBe(true);
    await page.keyboard.press('Escape');
    await list.waitFor({ state: 'hidden' });
    expect(
      await page.getByRole('button', { name: 'More' }).evaluate((button) => button === document.activeElement),
    ).toBe(true);
    await page.context().close();
  });

  test('the way to deliveries is there for operators alone', async () => {
    for (const [who, ways] of [
      ['olga', 1],
      ['ben', 0],
    ] as const) {
      const { page } = await scene.visit('/holds', who);
      await page.getByRole('button', { name: 'More' }).click();
      await page.getByRole('link', { name: 'Agents', exact: true }).waitFor();
      expect(await page.getByRole('link', { name: 'Deliveries' }).count()).toBe(ways);
      await page.context().close();
    }
  });
});
