import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { artifact, TERMS } from '../desk.ts';
import { CHROMIUM, LOOKS, openScene, type Scene } from './scene.ts';

const MINUTE = 60_000;
/** A text with markup, a turned direction, a character that is not seen, a Cyrillic а, and no blank in ten thousand letters. */
const HOSTILE = `<script>document.title="gone"</script> \u202Egnp.exe\u200B p\u0430ypal ${'x'.repeat(10_000)}`;

/** A page at its address, and what a person does there before it is looked at. */
type Sight = readonly [path: string, act?: (page: Page) => Promise<void>];

async function change(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Edit' }).click();
  await page.getByLabel('amount').fill('49000');
  await page.getByText('Policy lets people approve this.').waitFor();
}

async function signInWithWrongToken(page: Page): Promise<void> {
  await page.getByLabel('Your reviewer’s token').fill('nobody');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('alert').waitFor();
}

/** In the queue, or on its own page. */
async function ended(page: Page): Promise<void> {
  await page.locator('.hold-item.over, .aftermath').waitFor();
}

async function select(page: Page): Promise<void> {
  await page.getByRole('checkbox', { disabled: false }).first().check();
  await page.getByRole('region', { name: 'Selection' }).waitFor();
}

const SIGNED_OUT: readonly Sight[] = [['/sign-in'], ['/sign-in#secret'], ['/sign-in', signInWithWrongToken]];

describe.skipIf(CHROMIUM === null)('the console in Chromium', () => {
  let scene: Scene;
  let ids: readonly string[];
  let sights: readonly Sight[];
  beforeAll(async () => {
    scene = await openScene();
    const { desk } = scene;
    ids = [
      await desk.hold(JSON.stringify({ amount: 50_000, note: HOSTILE }), { ...TERMS, editable: ['/amount', '/note'] }),
      await desk.handoff('exception', { artifacts: [artifact('notes.txt', HOSTILE)] }),
      await desk.handoff('relay'),
      await desk.hold('{"amount":99000,"charge":"ch_9"}', { ...TERMS, level: 3 }, { digest: '9'.repeat(64) }),
      await refund(30_001),
      await refund(30_002),
    ];
    sights = [
      ['/holds'],
      ['/holds', select],
      ['/me'],
      ...ids.map((id): Sight => [`/holds/${id}`]),
      [`/holds/${ids[4]}`, change],
      [`/batch?holds=${ids[4]}+${ids[5]}`],
      [`/batch?holds=${ids[4]}+${ids[0]}`],
      ['/batch'],
      ['/batch?holds=hold_nothing'],
      ...Object.entries(await endedHolds()).flatMap(([status, id]): Sight[] => [
        [`/holds?status=${status}`, ended],
        [`/holds/${id}`, ended],
      ]),
    ];
  });
  afterAll(() => scene?.close());

  let count = 0;
  /** Another call each time: an identical one would find the same hold. */
  const refund = (amount: number, expiresIn = 30 * MINUTE) => {
    count += 1;
    const terms = { ...TERMS, expiresIn, reversible: true, editable: ['/amount', '/note'] };
    return scene.desk.hold(`{"amount":${amount},"note":"a"}`, terms, { digest: String(count).padStart(64, '0') });
  };

  /** Holds that are over, each in another way, with the state in which the queue shows them. */
  async function endedHolds(): Promise<Readonly<Record<string, string>>> {
    const { desk } = scene;
    desk.now -= MINUTE;
    const expired = await refund(40_001, MINUTE);
    desk.now += MINUTE;
    await desk.store.holds.apply(expired, { type: 'expire' });
    const [rejected, takenOver, lost] = [await refund(40_002), await refund(40_003), await refund(40_004)];
    await desk.post(`/api/holds/${rejected}/reject`, { body: { code: 'wrong-amount', note: HOSTILE.slice(0, 500) } });
    await desk.post(`/api/holds/${takenOver}/take-over`);
    await desk.post(`/api/holds/${lost}/approve`);
    const release = { type: 'release', attempt: 'att_1', by: 'worker-0', key: 'key-1', policyRevision: 'p1' } as const;
    await desk.store.holds.apply(lost, release);
    const broken = { type: 'indeterminate', attempt: 'att_1', reason: 'the connection broke', resendAt: null } as const;
    await desk.store.holds.apply(lost, broken);
    return { expired, rejected, 'taken-over': takenOver, approved: lost };
  }

  test.each(LOOKS)(
    'axe-core finds nothing on any page %s, and nothing is wider than the screen',
    async (_name, look) => {
      // The policy forbids what axe-core is brought in with.
      const { page } = await scene.visit('/holds', 'ben', { ...look, bypassCSP: true });
      const stranger = await scene.open('/sign-in', { ...look, bypassCSP: true });
      const see = async (page: Page, [path, act]: Sight) => {
        await page.goto(scene.desk.url + path);
        await page.locator('main[aria-busy="false"], main.me, main.sign-in').waitFor();
        await act?.(page);
        const isWider = await page.evaluate('document.documentElement.scrollWidth > innerWidth');
        expect({ path, act, found: await scene.axe(page), isWider }).toEqual({ path, act, found: [], isWider: false });
      };
      for (const sight of sights) await see(page, sight);
      for (const sight of SIGNED_OUT) await see(stranger.page, sight);
      await page.context().close();
      await stranger.page.context().close();
    },
  );

  test('the frame fits a phone also while it connects, and while the gateway is away', async () => {
    const { page } = await scene.visit('/holds', 'ben', { viewport: { width: 380, height: 800 } });
    const isWider = () => page.evaluate('document.documentElement.scrollWidth > innerWidth');
    await page.route('**/api/stream', () => {});
    await page.reload();
    await page.getByText('Connecting', { exact: true }).waitFor();
    expect(await isWider()).toBe(false);
    await page.unroute('**/api/stream');
    await page.route('**/api/stream', (route) => route.abort());
    await page.reload();
    await page.getByText('Offline', { exact: true }).waitFor();
    expect(await isWider()).toBe(false);
    await page.context().close();
  });

  test('the scripts are those that ship, with React’s production build', async () => {
    const [path = ''] = /\/assets\/index-[^"]+\.js/.exec((await scene.desk.get('/', null)).text) ?? [];
    const { text } = await scene.desk.get(path, null);
    expect(text).toContain('/api/stream');
    expect(text).not.toContain('Invalid hook call');
  });

  test('hostile text stays text, and what is not seen in it is written out', async () => {
    const { page, wrongs } = await scene.visit(`/holds/${ids[0]}`);
    await page.getByText('U+202E').first().waitFor();
    await page.getByText('U+200B').first().waitFor();
    expect(await page.locator('.mixed-word').first().textContent()).toBe('p\u0430ypal');
    expect(await page.title()).toContain('Holdpoint');
    expect(wrongs).toEqual([]);
    await page.context().close();
  });

  test('a held call appears in the queue by itself, and j and Enter open it', async () => {
    const { page, wrongs } = await scene.visit('/holds');
    const rows = page.getByRole('list', { name: 'Held calls' }).getByRole('listitem');
    await expect.poll(() => rows.count()).toBe(ids.length);
    await page.getByText('Live', { exact: true }).waitFor();
    await scene.desk.hold('{"amount":61000,"charge":"ch_new"}', TERMS, { digest: '6'.repeat(64) });
    await expect.poll(() => rows.count()).toBe(ids.length + 1);
    await page.keyboard.press('j');
    await page.keyboard.press('Enter');
    await page.getByRole('region', { name: 'Decide' }).waitFor();
    expect(page.url()).toMatch(/\/holds\/hold_\w+$/);
    expect(wrongs).toEqual([]);
    await page.context().close();
  });

  test('filters stand in the address, and work when it is opened again', async () => {
    const { page } = await scene.visit('/holds?kind=exception');
    const rows = page.getByRole('list', { name: 'Held calls' }).getByRole('listitem');
    await expect.poll(() => rows.count()).toBe(1);
    await page.getByLabel('Kind').selectOption('relay');
    await expect.poll(() => page.url()).toContain('kind=relay');
    await page.goto(`${scene.desk.url}/holds?status=rejected`);
    await page.getByText('rejected, the newest 1').waitFor();
    await page.context().close();
  });

  test('a link of an old message leads to its hold', async () => {
    const { page } = await scene.visit('/holds');
    await page.goto(`${scene.desk.url}/#/holds/${ids[3]}`);
    await page.getByRole('button', { name: 'Take over' }).waitFor();
    expect(page.url()).toBe(`${scene.desk.url}/holds/${ids[3]}`);
    await page.context().close();
  });

  test('an attached text is shown to the person who claimed it, as text', async () => {
    const { page, wrongs } = await scene.visit(`/holds/${ids[1]}`);
    await page.getByRole('button', { name: 'Claim' }).click();
    await page.getByRole('button', { name: 'Show' }).click();
    await page.getByText('U+202E').first().waitFor();
    expect(wrongs).toEqual([]);
    await page.context().close();
  });
});
