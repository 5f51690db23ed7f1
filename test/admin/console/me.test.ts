import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { requirement } from '../desk.ts';
import { CHROMIUM, openScene, type Scene } from './scene.ts';

describe.skipIf(CHROMIUM === null)('a page of one’s own in Chromium', () => {
  let scene: Scene;
  beforeAll(async () => {
    scene = await openScene();
  });
  afterAll(() => scene?.close());

  test('quiet hours, digest and mail are saved, and are there again after a reload', async () => {
    const { page, wrongs } = await scene.visit('/me', 'ben', { timezoneId: 'Europe/Berlin' });
    await page.getByLabel('Mail about held calls').selectOption('always');
    await page.getByLabel('Digest').selectOption('daily');
    await page.getByLabel('Quiet hours').check();
    await page.getByLabel('From').fill('21:30');
    await page.getByLabel('To', { exact: true }).fill('06:15');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByText('Saved.').waitFor();
    const saved = {
      quiet_hours: { from: '21:30', to: '06:15', time_zone: 'Europe/Berlin' },
      digest: 'daily',
      mail: 'always',
    };
    expect((await scene.desk.get('/api/me/preferences')).json).toEqual(saved);
    await page.reload();
    await expect.poll(() => page.getByLabel('From').inputValue()).toBe('21:30');
    expect(await page.getByLabel('Time zone').inputValue()).toBe('Europe/Berlin');
    expect(await page.getByRole('button', { name: 'Save' }).isDisabled()).toBe(true);
    expect((await scene.desk.get('/api/me/preferences', 'cleo')).json).toMatchObject({ digest: null });
    expect(wrongs).toEqual([]);
    await page.context().close();
  });

  test('quiet hours that never end are refused with a sentence, and nothing is saved', async () => {
    const { page } = await scene.visit('/me', 'cleo');
    await page.getByLabel('Quiet hours').check();
    await page.getByLabel('From').fill('07:00');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByText('expected two different times').waitFor();
    expect((await scene.desk.get('/api/me/preferences', 'cleo')).json).toMatchObject({ quiet_hours: null });
    await page.context().close();
  });

  test('a person ends another session, which is led to the sign-in and then back', async () => {
    const left = await scene.visit('/me', 'fay');
    const here = await scene.visit('/me', 'fay');
    const sessions = here.page.getByRole('listitem').filter({ has: here.page.getByRole('button', { name: /^End/ }) });
    await expect.poll(() => sessions.count()).toBe(2);
    await sessions.filter({ hasNotText: 'this one' }).getByRole('button').click();
    await expect.poll(() => sessions.count()).toBe(1);
    await left.page.getByLabel('Your reviewer’s token').fill('fay-token');
    await left.page.getByRole('button', { name: 'Sign in' }).click();
    await left.page.getByRole('heading', { name: 'Sessions' }).waitFor();
    expect(new URL(left.page.url()).pathname).toBe('/me');
    expect([...left.wrongs, ...here.wrongs]).toEqual([]);
    await left.page.context().close();
    await here.page.context().close();
  });

  test('a person ends the session of the page itself, or signs out, and is led to the sign-in', async () => {
    const { page } = await scene.visit('/me', 'dan');
    await page.getByRole('listitem').filter({ hasText: 'this one' }).getByRole('button').click();
    await page.getByLabel('Your reviewer’s token').fill('dan-token');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('button', { name: 'More' }).click();
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByLabel('Your reviewer’s token').waitFor();
    // Whoever signs in next is not led to the page of the person who left.
    expect(page.url()).toBe(`${scene.desk.url}/sign-in`);
    const { items } = (await scene.desk.get('/api/sessions', 'dan')).json as { items: object[] };
    expect(items).toEqual([]);
    await page.context().close();
  });

  test('Mine in the queue has what was suggested to a person who is absent and has this deputy', async () => {
    const { desk } = scene;
    const terms = { requirements: [requirement(['finance-leads'])] };
    const id = await desk.hold('{"amount":61}', terms, { digest: '6'.repeat(64) });
    const { page } = await scene.visit('/holds?mine=true', 'dan');
    await page.getByText('No held call fits these filters').waitFor();
    const period = { since: desk.now, until: desk.now + 60_000 };
    await desk.store.delegations.add({ from: 'fay@example.com', to: 'dan@example.com', ...period }, 'api');
    await page.reload();
    await expect.poll(() => page.locator(`a[data-hold="${id}"]`).count()).toBe(1);
    await page.context().close();
  });
});
