import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createSignInLinks } from '../../../gateway/identify/sign-in-links.ts';
import { KEY } from '../../helpers/hold.ts';
import { CHROMIUM, openScene, type Scene } from './scene.ts';

const MINUTE = 60_000;

describe.skipIf(CHROMIUM === null)('signing in in Chromium', () => {
  let scene: Scene;
  beforeAll(async () => {
    scene = await openScene();
  });
  afterAll(() => scene?.close());

  const link = () => `/sign-in#${createSignInLinks(KEY, () => scene.desk.now).issue('ben@example.com')}`;

  test('a link that was only opened signs in once, leaves no secret in the address, and is refused with a sentence when it is used again', async () => {
    const path = link();
    // As a scanner of mail does.
    const opened = await scene.open(path);
    await opened.page.getByText('You opened a sign-in link').waitFor();
    const first = await scene.open(path);
    await first.page.getByText('You opened a sign-in link').waitFor();
    expect(first.page.url()).toBe(`${scene.desk.url}/sign-in`);
    await first.page.getByRole('button', { name: 'Sign in' }).click();
    await first.page.getByRole('heading', { name: 'Held calls' }).waitFor();
    const again = await scene.open(path);
    await again.page.getByRole('button', { name: 'Sign in' }).click();
    await again.page.getByText('This link has been used, or is older than five minutes.').waitFor();
    expect([...opened.wrongs, ...first.wrongs, ...again.wrongs]).toEqual([]);
    await opened.page.context().close();
    await first.page.context().close();
    await again.page.context().close();
  });

  test('a link that is older than five minutes is refused, and a token may be used instead', async () => {
    const path = link();
    scene.desk.now += 5 * MINUTE;
    const { page } = await scene.open(path);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByText('This link has been used, or is older than five minutes.').waitFor();
    await page.getByRole('button', { name: 'Use a token instead' }).click();
    await page.getByLabel('Your reviewer’s token').fill('ben-token');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('heading', { name: 'Held calls' }).waitFor();
    expect(new URL(page.url()).pathname).toBe('/holds');
    await page.context().close();
  });
});
