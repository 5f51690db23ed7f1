import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { artifact, TERMS } from '../desk.ts';
import { CHROMIUM, openScene, type Scene } from './scene.ts';

/** A text with markup, a turned direction, a character that is not seen, a Cyrillic а, and no blank in ten thousand letters. */
const HOSTILE = `<script>document.title="gone"</script> \u202Egnp.exe\u200B p\u0430ypal ${'x'.repeat(10_000)}`;

const LOOKS = [
  ['in light', { colorScheme: 'light' }],
  ['in dark', { colorScheme: 'dark' }],
  ['at 380 pixels', { viewport: { width: 380, height: 800 }, hasTouch: true }],
] as const;

describe.skipIf(CHROMIUM === null)('the console in Chromium', () => {
  let scene: Scene;
  let ids: readonly string[];
  beforeAll(async () => {
    scene = await openScene();
    const { desk } = scene;
    ids = [
      await desk.hold(JSON.stringify({ amount: 50_000, note: HOSTILE }), { ...TERMS, editable: ['/amount', '/note'] }),
      await desk.handoff('exception', { artifacts: [artifact('notes.txt', HOSTILE)] }),
      await desk.handoff('relay'),
      await desk.hold('{"amount":99000,"charge":"ch_9"}', { ...TERMS, level: 3 }, { digest: '9'.repeat(64) }),
    ];
  });
  afterAll(() => scene?.close());

  test.each(LOOKS)(
    'axe-core finds nothing on any page %s, and nothing is wider than the screen',
    async (_name, look) => {
      // The policy forbids what axe-core is brought in with.
      const { page } = await scene.visit('/holds', 'ben', { ...look, bypassCSP: true });
      for (const path of ['/holds', '/me', ...ids.map((id) => `/holds/${id}`)]) {
        await page.goto(scene.desk.url + path);
        await page.locator('main[aria-busy="false"], main.me').waitFor();
        const isWider = await page.evaluate('document.documentElement.scrollWidth > innerWidth');
        expect({ path, found: await scene.axe(page), isWider }).toEqual({ path, found: [], isWider: false });
      }
      await page.context().close();
    },
  );

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
    await expect.poll(() => rows.count()).toBe(4);
    await page.getByText('Live', { exact: true }).waitFor();
    await scene.desk.hold('{"amount":61000,"charge":"ch_new"}', TERMS, { digest: '6'.repeat(64) });
    await expect.poll(() => rows.count()).toBe(5);
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
