import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { CHROMIUM, openScene, type Scene } from './scene.ts';

describe.skipIf(CHROMIUM === null)('the stop of everything in Chromium', () => {
  let scene: Scene;
  let people: 1 | 2 = 1;

  beforeAll(async () => {
    scene = await openScene({ peopleToLift: () => people });
    await scene.desk.hold();
  });
  afterEach(async () => {
    people = 1;
    await scene.desk.delete('/api/stop', { who: 'olga' });
  });
  afterAll(async () => {
    await scene?.close();
  });

  const stop = () => scene.desk.post('/api/stop', { who: 'olga', body: { reason: 'all <b>mad</b>\u202e' } });
  const stopped = async () => ((await scene.desk.get('/api/stop')).json as { stop: object | null }).stop !== null;

  test('every page says that everything is stopped, by whom and why, and goes on saying so until it is lifted', async () => {
    const { page, wrongs } = await scene.visit('/holds', 'ben', { viewport: { width: 380, height: 800 } });
    const notice = page.getByRole('alert');
    expect(await notice.count()).toBe(0);
    await stop();
    await notice.waitFor();
    expect(await notice.innerText()).toMatch(/Everything is stopped since .*by olga@example.com/);
    expect(await notice.innerText()).toContain('all <b>mad</b>U+202E');
    // Who may not lift it has no button for that.
    expect(await notice.getByRole('button').count()).toBe(0);
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(380);
    expect(await scene.axe(page)).toEqual([]);
    await page.getByRole('button', { name: 'More' }).click();
    await page.getByRole('link', { name: 'Me', exact: true }).click();
    await notice.waitFor();
    await scene.desk.delete('/api/stop', { who: 'olga' });
    await notice.waitFor({ state: 'detached' });
    expect(wrongs).toEqual([]);
    await page.context().close();
  });

  test('an operator lifts the stop where it is told', async () => {
    await stop();
    const { page } = await scene.visit('/holds', 'olga');
    await page.getByRole('button', { name: 'Lift the stop' }).click();
    await page.getByRole('alert').waitFor({ state: 'detached' });
    expect(await stopped()).toBe(false);
    await page.context().close();
  });

  test('where two operators have to lift the stop, the first one asks, and is told that another has to agree', async () => {
    people = 2;
    await stop();
    const { page } = await scene.visit('/holds', 'olga');
    await page.getByRole('button', { name: 'Ask to lift the stop' }).click();
    await page.getByText('olga@example.com asked to lift it; another operator has to agree.').waitFor();
    expect(await page.getByRole('alert').getByRole('button').count()).toBe(0);
    expect(await stopped()).toBe(true);
    await page.context().close();
  });
});
