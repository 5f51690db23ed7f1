import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { HOSTILE_ARTIFACTS, HOSTILE_FORM, HOSTILE_TOOL, hostileBinary, hostileCall } from './hostile-text.ts';
import { CHROMIUM, openScene, type Scene } from './scene.ts';

/**
 * What a page shows as it is although a reader would not notice it: a character that is not seen, in text or in what
 * screen readers read; letters from right to left outside of an element of their own, where they turn what is next to them;
 * and a text in a column so narrow that nobody reads it.
 */
const UNMARKED = `(() => {
  const unseen = /[\\u202E\\u200B]/, turning = /[\\u05D0-\\u05EA]/, found = [];
  const place = (element) => element.tagName.toLowerCase() + '.' + element.className;
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT | NodeFilter.SHOW_ELEMENT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    if (node.nodeType === Node.TEXT_NODE) {
      const parent = node.parentElement;
      if (parent.closest('textarea')) continue;
      if (unseen.test(node.data)) found.push('unseen in ' + place(parent));
      if (turning.test(node.data) && !parent.closest('bdi, option')) found.push('turning in ' + place(parent));
      const widths = [...parent.getClientRects()].map(({ width }) => width);
      if (node.data.length > 20 && widths.length > 0 && Math.max(...widths) < 60)
        found.push('squeezed in ' + place(parent));
    } else {
      for (const name of ['title', 'alt', 'aria-label', 'download', 'placeholder'])
        if (unseen.test(node.getAttribute(name) ?? '')) found.push('unseen in ' + name + ' of ' + place(node));
    }
  }
  return [...new Set(found)];
})()`;

describe.skipIf(CHROMIUM === null)('hostile text in Chromium', () => {
  let scene: Scene;
  let ids: Readonly<Record<string, string>>;
  beforeAll(async () => {
    scene = await openScene({ toolDefinition: async () => HOSTILE_TOOL });
    const { holds } = scene.desk.store;
    ids = {
      call: (await holds.open(hostileCall(false))).hold.id,
      tool: (await holds.open(hostileCall(true))).hold.id,
      binary: (await holds.open(hostileBinary())).hold.id,
      question: await scene.desk.handoff('exception', { form: HOSTILE_FORM, artifacts: HOSTILE_ARTIFACTS }),
      relay: await scene.desk.handoff('relay', { form: HOSTILE_FORM, artifacts: HOSTILE_ARTIFACTS }),
    };
  });
  afterAll(() => scene?.close());

  const looks = async (page: Page) => ({
    unmarked: await page.evaluate(UNMARKED),
    isWider: await page.evaluate('document.documentElement.scrollWidth > innerWidth'),
    title: await page.title(),
  });
  const HARMLESS = { unmarked: [], isWider: false, title: expect.stringMatching(/ · Holdpoint$/) };
  const small = { viewport: { width: 380, height: 800 } };

  test('hostile text in the queue is marked, and pushes nothing off a small screen', async () => {
    const { page, wrongs } = await scene.visit('/holds', 'ben', small);
    await page.getByRole('list', { name: 'Held calls' }).waitFor();
    expect(await looks(page)).toEqual(HARMLESS);
    expect(wrongs).toEqual([]);
    await page.context().close();
  });

  test.each(['call', 'tool', 'binary', 'question', 'relay'])(
    'hostile text in every field of a %s is marked, and pushes nothing off the screen',
    async (kind) => {
      const { page, wrongs } = await scene.visit(`/holds/${ids[kind]}`, 'ben', small);
      await page.locator('main[aria-busy="false"]').waitFor();
      await page.getByRole('heading', { name: 'Timeline' }).waitFor();
      await page.evaluate('for (const each of document.querySelectorAll("details")) each.open = true');
      expect(await looks(page)).toEqual(HARMLESS);
      await page.setViewportSize({ width: 1280, height: 860 });
      expect(await looks(page)).toEqual(HARMLESS);
      expect(wrongs).toEqual([]);
      await page.context().close();
    },
  );

  test('hostile text is marked in every form in which a person decides', async () => {
    const { page, wrongs } = await scene.visit(`/holds/${ids['tool']}`, 'ben', small);
    await page.getByRole('button', { name: 'For a while…' }).click();
    await page.getByRole('group', { name: 'Approve this, and calls like it for a while' }).waitFor();
    expect(await looks(page)).toEqual(HARMLESS);
    await page.keyboard.press('Escape');
    await page.keyboard.press('e');
    await page.getByRole('heading', { name: 'Change the call' }).waitFor();
    await page.getByText('Nothing changes yet').waitFor();
    expect(await looks(page)).toEqual(HARMLESS);
    await page.getByLabel('amount').fill('60000');
    await page.getByText('Policy lets people approve this.').waitFor();
    expect(await looks(page)).toEqual(HARMLESS);

    await page.goto(`${scene.desk.url}/holds/${ids['question']}`);
    await page.getByRole('button', { name: 'Answer' }).click();
    await page.getByRole('group', { name: 'Answer billing-bot' }).waitFor();
    expect(await looks(page)).toEqual(HARMLESS);
    expect(wrongs).toEqual([]);
    await page.context().close();
  });

  test('hostile text is marked in what is said of a decision, before it is sent and afterwards', async () => {
    const { page, wrongs } = await scene.visit(`/holds/${ids['binary']}`, 'ben', small);
    await page.getByRole('button', { name: 'Approve' }).click();
    await page.getByRole('button', { name: 'Undo' }).waitFor();
    expect(await looks(page)).toEqual(HARMLESS);
    await page.getByRole('heading', { name: 'What happened' }).waitFor();
    expect(await looks(page)).toEqual(HARMLESS);

    await page.goto(`${scene.desk.url}/holds/${ids['question']}`);
    await page.getByRole('button', { name: 'Answer' }).click();
    await page.getByRole('radio').first().check();
    await page.getByRole('button', { name: 'Send the answer' }).click();
    await page.getByText('The agent got:').waitFor();
    expect(await looks(page)).toEqual(HARMLESS);
    expect(wrongs).toEqual([]);
    await page.context().close();
  });

  test('what has to be typed to approve can be read and typed, whatever the agent calls its target', async () => {
    const draft = hostileBinary();
    const terms = { ...draft.terms, reversible: false };
    const { hold } = await scene.desk.store.holds.open({ ...draft, terms, digest: 'd'.repeat(64) });
    const { page } = await scene.visit(`/holds/${hold.id}`);
    await page.getByLabel(/^This cannot be undone\. Type payments to approve it/).fill('payments');
    await expect.poll(() => page.getByRole('button', { name: 'Approve' }).isEnabled()).toBe(true);
    await page.context().close();
  });
});
