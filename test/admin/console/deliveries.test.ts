import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Page } from 'playwright-core';
import type { NotificationOutcome } from '../../../gateway/domain/notification.ts';
import { CHROMIUM, openScene, type Scene } from './scene.ts';

const HOUR = 3_600_000;
const PAYLOAD = '{"url":"https://hooks.example.com/T0/the-hidden-token"}';

describe.skipIf(CHROMIUM === null)('the deliveries in Chromium', () => {
  let scene: Scene;
  let hold: string;

  beforeAll(async () => {
    scene = await openScene({
      compose: (occasion) =>
        occasion.kind === 'opened'
          ? [
              { channel: 'webhook/ops', to: null },
              { channel: 'slack/finance', to: null },
              { channel: 'email', to: 'b\u202een@example.com' },
            ].map((place) => ({ kind: 'opened', holdId: occasion.hold.id, payload: PAYLOAD, ...place }))
          : [],
    });
    const { desk } = scene;
    hold = await desk.hold();
    const outcomes: Readonly<Record<string, NotificationOutcome>> = {
      'webhook/ops': { state: 'dead', error: 'HTTP 410 from https://u:hunter2hunter2@ops.example.com' },
      'slack/finance': { state: 'sent', receipt: null },
      email: { state: 'waiting', nextAt: desk.now + HOUR, error: 'SMTP 451 (EENVELOPE)' },
    };
    for (const { id, channel } of await desk.store.notifications.take(desk.now, desk.now + HOUR, 10))
      await desk.store.notifications.settle(id, outcomes[channel]!);
  });
  afterAll(() => scene?.close());

  const rows = (page: Page) => page.getByRole('list', { name: 'Deliveries' }).getByRole('listitem');
  const row = (page: Page, text: string) => rows(page).filter({ hasText: text });

  test('an operator sees where each message goes, for which hold, what became of it, and no secret', async () => {
    const { page, wrongs } = await scene.visit('/deliveries', 'olga');
    await expect.poll(() => rows(page).count()).toBe(3);
    expect(await row(page, 'webhook/ops').innerText()).toMatch(
      /A call waits[^]*HTTP 410[^]*not delivered[^]*tried once/,
    );
    expect(await row(page, 'slack/finance').innerText()).toMatch(/sent\s+[\d:]+, tried once$/);
    const mail = await row(page, 'email').innerText();
    expect(mail).toMatch(/to bU\+202Een@example.com \(email\)\s+SMTP 451 \(EENVELOPE\)\s+waiting/);
    expect(mail).toMatch(/tried once, next at [\d:]+/);
    const link = row(page, 'email').getByRole('link');
    expect(await link.getAttribute('href')).toBe(`/holds/${hold}`);
    expect(await page.content()).not.toMatch(/hunter2|hidden-token/);
    expect(wrongs).toEqual([]);
    await page.context().close();
  });

  test('a filter by state is in the address, and there again after a reload', async () => {
    const { page } = await scene.visit('/deliveries?state=lost', 'olga');
    await expect.poll(() => rows(page).count()).toBe(3);
    await page.getByLabel('State').selectOption('sent');
    await expect.poll(() => rows(page).count()).toBe(1);
    await page.reload();
    await row(page, 'slack/finance').waitFor();
    expect(await rows(page).count()).toBe(1);
    expect(new URL(page.url()).search).toBe('?state=sent');
    await page.getByLabel('State').selectOption('gathered');
    await page.getByRole('heading', { name: 'There is nothing here' }).waitFor();
    await page.context().close();
  });

  test.for([
    ['a desk', {}],
    ['a phone', { viewport: { width: 380, height: 800 } }],
    ['the dark', { colorScheme: 'dark' as const }],
  ] as const)('axe-core finds nothing, and nothing is cut off: %s', async ([, options]) => {
    const { page } = await scene.visit('/deliveries', 'olga', options);
    await row(page, 'webhook/ops').waitFor();
    expect(await scene.axe(page)).toEqual([]);
    expect(await page.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true);
    await page.context().close();
  });

  test('an error of the gateway is shown, and what is there can be asked for again', async () => {
    const { page } = await scene.visit('/holds', 'olga');
    await page.route('**/api/notices*', (route) => route.fulfill({ status: 403, body: 'x' }));
    await page.goto(`${scene.desk.url}/deliveries`);
    await page.getByRole('heading', { name: 'This page could not be shown' }).waitFor();
    expect(await rows(page).count()).toBe(0);
    await page.unroute('**/api/notices*');
    await page.getByRole('button', { name: 'Try again' }).click();
    await row(page, 'webhook/ops').waitFor();
    await page.context().close();
  });

  test('who is no operator is told where to look instead', async () => {
    const { page } = await scene.visit('/deliveries', 'ben');
    await page.getByRole('heading', { name: 'Deliveries are for operators' }).waitFor();
    expect(await scene.axe(page)).toEqual([]);
    await page.context().close();
  });

  test('an operator sends one again that was given up, and it waits at once', async () => {
    const { page } = await scene.visit('/deliveries', 'olga');
    const again = page.getByRole('button', { name: /^Send again/ });
    await again.waitFor();
    expect(await again.count()).toBe(1);
    await again.click();
    await page.getByRole('status').getByText('It is tried again now').waitFor();
    await row(page, 'webhook/ops').getByText('waiting').waitFor();
    await again.waitFor({ state: 'detached' });
    expect(await scene.desk.store.notifications.list({ state: 'dead', limit: 5 })).toMatchObject({ items: [] });
    await page.context().close();
  });

  test('earlier messages follow page by page', async () => {
    for (let n = 0; n < 17; n += 1) await scene.desk.hold(`{"n":${n}}`, {}, { digest: String(n).padEnd(64, 'd') });
    const { page } = await scene.visit('/deliveries', 'olga');
    await expect.poll(() => rows(page).count()).toBe(50);
    await page.getByRole('button', { name: 'Show earlier ones' }).click();
    await expect.poll(() => rows(page).count()).toBe(54);
    expect(await page.getByRole('button', { name: 'Show earlier ones' }).count()).toBe(0);
    await page.context().close();
  });
});
