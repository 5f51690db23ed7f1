import { readFileSync } from 'node:fs';
import { deflateSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseExactly } from '../../../gateway/json/exact-json.ts';
import type { Handoff } from '../../../gateway/domain/handoff.ts';
import { artifact, FORM } from '../desk.ts';
import { CHROMIUM, openScene, type Scene } from './scene.ts';

/** An image of one pixel. */
const PNG = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M/wHwAEBgIApD5fRAAAAABJRU5ErkJggg==',
  'base64',
);
const INVOICE = artifact(
  'invoice.pdf',
  '%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[]/Count 0>>endobj\n%%EOF',
  'application/pdf',
);
const TOOL = artifact('tool.exe', deflateSync('x'), 'application/x-msdownload');
const PAGE = '<script>top.document.title = "gone"</script><h1>Invoice</h1>';

describe.skipIf(CHROMIUM === null)('questions and handed over work in Chromium', () => {
  let scene: Scene;
  let count = 0;
  beforeAll(async () => {
    scene = await openScene();
  });
  afterAll(() => scene?.close());

  /** Another one each time: an identical one would find the same hold. */
  const open = (...[kind, changes]: Parameters<Scene['desk']['handoff']>) =>
    scene.desk.handoff(kind, { digest: String((count += 1)).padStart(64, '0'), ...changes });
  const read = async (id: string) =>
    (await scene.desk.get(`/api/holds/${id}`)).json as Readonly<Record<string, unknown>>;

  test('a question is answered with one of its options by one click, which can be undone', async () => {
    const id = await open('exception');
    const { page, wrongs } = await scene.visit(`/holds/${id}`);
    await page.getByRole('button', { name: 'Wait', exact: true }).click();
    await page.getByRole('button', { name: 'Undo' }).click();
    expect(await read(id)).toMatchObject({ status: 'pending' });
    await page.getByRole('button', { name: 'Wait', exact: true }).click();
    await page.getByText('The agent got: wait').waitFor();
    expect(await read(id)).toMatchObject({ status: 'answered', answer: { option: 'wait' } });
    expect(wrongs).toEqual([]);
    await page.context().close();
  });

  test('an answer from the keyboard has option, data with every digit, and a note', async () => {
    const id = await open('exception');
    const { page } = await scene.visit(`/holds/${id}`);
    await page.getByRole('button', { name: 'Answer' }).waitFor();
    await page.keyboard.press('a');
    await page.getByRole('radio', { name: 'refund' }).waitFor();
    await page.keyboard.press('Space');
    await page.getByLabel('Anything else that it asked for').fill('{"invoice": 12345678901234567890}');
    await page.getByLabel('Note, which the agent reads').fill('The second one.');
    await page.keyboard.press('Control+Enter');
    await page.getByText('The agent got: refund, {"invoice":12345678901234567890}').waitFor();
    const { text } = await scene.desk.get(`/api/holds/${id}`);
    expect(text).toContain('"answer":{"option":"refund","data":{"invoice":12345678901234567890}}');
    await page.context().close();
  });

  test('an option that names a group passes the question on to it', async () => {
    const id = await open('exception');
    const { page } = await scene.visit(`/holds/${id}`);
    await page.getByRole('button', { name: 'Escalate to legal' }).click();
    await expect
      .poll(async () => (await read(id))['routing'])
      .toMatchObject({ escalations: [{ to: ['legal'], by: 'ben@example.com' }] });
    await page.context().close();
  });

  test('an option that names a group without reviewers is no button', async () => {
    const id = await open('exception', { form: { ...FORM, options: ['escalate_to_nobody', 'refund'] } });
    const { page } = await scene.visit(`/holds/${id}`);
    await page.getByRole('button', { name: 'refund', exact: true }).waitFor();
    await page.getByText('Escalate to nobody').waitFor();
    expect(await page.getByRole('button', { name: 'Escalate to nobody' }).count()).toBe(0);
    await page.context().close();
  });

  test('what an agent hands over is shown with every digit', async () => {
    const form = parseExactly('{"task":"T-9","invoice":12345678901234567890,"lines":[{"price":10.50}]}') as Handoff;
    const id = await open('exception', { form });
    const { page } = await scene.visit(`/holds/${id}`);
    const claims = page.getByRole('region', { name: /^Claimed by billing-bot/ });
    await expect.poll(() => claims.innerText()).toMatch(/12345678901234567890[\s\S]*10\.50/);
    await page.context().close();
  });

  test('handed over work is accepted by a key, and returned with a reason', async () => {
    const [accepted, returned] = [await open('relay'), await open('relay')];
    const { page, wrongs } = await scene.visit(`/holds/${accepted}`);
    await page.getByRole('button', { name: 'Accept' }).waitFor();
    await page.keyboard.press('a');
    await page.getByRole('heading', { name: 'What happened' }).waitFor();
    expect(await read(accepted)).toMatchObject({ status: 'accepted', decided: { by: 'ben@example.com' } });

    await page.goto(`${scene.desk.url}/holds/${returned}`);
    await page.getByRole('button', { name: 'Return' }).waitFor();
    await page.keyboard.press('r');
    await page.getByLabel('Something is missing').check();
    await page.getByLabel('Note, which the agent reads').fill('Which invoice?');
    await page.keyboard.press('Control+Enter');
    await page.getByRole('heading', { name: 'What happened' }).waitFor();
    expect(await read(returned)).toMatchObject({
      status: 'returned',
      decided: { code: 'missing-information', note: 'Which invoice?' },
    });
    expect(wrongs).toEqual([]);
    await page.context().close();
  });

  test('work for one person says so, and offers others no button', async () => {
    const id = await open('relay', { to: { person: 'fay@example.com' } });
    const { page } = await scene.visit(`/holds/${id}`);
    await page.getByText('For fay@example.com').waitFor();
    expect(await page.getByRole('button', { name: 'Accept' }).count()).toBe(0);
    await page.context().close();
  });

  test('an image and a page that came with work are shown, nothing in them runs, and a PDF is offered for download', async () => {
    const id = await open('relay', {
      artifacts: [
        artifact('photo.png', PNG, 'image/png'),
        INVOICE,
        artifact('page.html', PAGE, 'text/html'),
        artifact(
          'drawing.svg',
          '<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
          'image/svg+xml',
        ),
        TOOL,
      ],
    });
    const { page, wrongs } = await scene.visit(`/holds/${id}`);
    await page.getByText('tool.exe').waitFor();
    expect(await page.getByRole('button', { name: 'Show' }).count()).toBe(0);
    await page.getByRole('button', { name: 'Claim' }).click();
    const item = (name: string) => page.getByRole('listitem').filter({ hasText: name });

    await item('photo.png').getByRole('button', { name: 'Show' }).click();
    const picture = page.getByRole('img', { name: 'photo.png' });
    await expect.poll(() => picture.evaluate((image) => (image as HTMLImageElement).naturalWidth)).toBe(1);

    await item('page.html').getByRole('button', { name: 'Show' }).click();
    await page.getByRole('figure', { name: 'page.html' }).getByText(PAGE).waitFor();
    await item('drawing.svg').getByRole('button', { name: 'Show' }).click();
    await page.getByRole('figure', { name: 'drawing.svg' }).getByText('alert(1)').waitFor();

    for (const { name, bytes, sha256, content } of [TOOL, INVOICE]) {
      const unshown = item(name);
      expect(await unshown.getByRole('button', { name: 'Show' }).count()).toBe(0);
      await unshown.getByText('Such a file is not shown here.').waitFor();
      await unshown.getByText(sha256).waitFor();
      await unshown.getByText(`${bytes} bytes`).waitFor();
      const saved = page.waitForEvent('download');
      await unshown.getByRole('link', { name: `Download ${name}` }).click();
      const download = await saved;
      expect(download.suggestedFilename()).toBe(name);
      expect(readFileSync(await download.path())).toEqual(content);
    }

    expect(await page.title()).toContain('Holdpoint');
    expect(wrongs).toEqual([]);
    await page.context().close();
  });
});
