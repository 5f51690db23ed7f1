import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { refund, TERMS } from '../desk.ts';
import { CHROMIUM, openScene, type Scene } from './scene.ts';

const TOOL = JSON.stringify({
  title: 'Refund',
  description: 'Refunds an amount to a customer.',
  inputSchema: { type: 'object', properties: { amount: { type: 'integer', description: 'In cents' } } },
});

describe.skipIf(CHROMIUM === null)('what is in a held call in Chromium', () => {
  let scene: Scene;
  beforeAll(async () => {
    scene = await openScene({ toolDefinition: async () => TOOL });
  });
  afterAll(() => scene?.close());

  test('what differs from the last approved call of this shape is marked, with what stood there', async () => {
    const terms = { ...TERMS, reversible: true };
    const before = await scene.desk.hold('{"amount":500,"note":"same"}', terms, { digest: '2'.repeat(64) });
    await scene.desk.post(`/api/holds/${before}/approve`, { who: 'cleo' });
    const id = await scene.desk.hold('{"amount":700,"note":"same"}', terms, { digest: '3'.repeat(64) });
    const { page } = await scene.visit(`/holds/${id}`);
    await page.getByText('One place differs from').waitFor();
    const marked = page.getByRole('figure', { name: 'Body' }).locator('.line.other');
    expect(await marked.allInnerTexts()).toEqual(['amount: 700 last approved: 500']);
    await page.context().close();
  });

  test('a call of a tool shows what the server says of it, with the schema', async () => {
    const { call, ...draft } = refund('{}', { reversible: true }, { digest: '4'.repeat(64) });
    const message = {
      jsonrpc: '2.0',
      id: 1,
      method: 'tools/call',
      params: { name: 'refund', arguments: { amount: 5 } },
    };
    const { action, ...rest } = JSON.parse(call.input) as { readonly action: object };
    const input = JSON.stringify({ ...rest, action: { ...action, tool: 'refund', arguments: { amount: 5 } } });
    const body = Buffer.from(JSON.stringify(message));
    const { hold } = await scene.desk.store.holds.open({
      ...draft,
      operation: 'refund',
      call: { ...call, body, input },
    });
    const { page } = await scene.visit(`/holds/${hold.id}`);
    await page.getByText('What its server says of this tool').click();
    await page.getByText('Refunds an amount to a customer.').waitFor();
    await page.getByText('In cents').waitFor();
    expect(await page.getByRole('figure', { name: 'Body' }).innerText()).toMatch(/amount: 5/);
    await page.context().close();
  });

  test('a body of 300 KB is shown to its last line, and is approved', async () => {
    const lines = Array.from({ length: 6_100 }, (_, index) => ({
      line: index,
      text: `position ${index} of the order`,
    }));
    const body = JSON.stringify({ amount: 5, lines, last: 'the very end' });
    expect(body.length).toBeGreaterThan(300_000);
    const id = await scene.desk.hold(body, { ...TERMS, reversible: true }, { digest: '1'.repeat(64) });
    const { page, wrongs } = await scene.visit(`/holds/${id}`);
    // By selectors: roles are computed for each of 80,000 elements.
    const shown = page.locator('figure.body-box[aria-label="Body"]');
    await expect.poll(() => shown.textContent()).toMatch(/position 6099 of the order[^]*the very end/);
    await page.keyboard.press('a');
    await page.locator('h2', { hasText: 'What happened' }).waitFor();
    expect(wrongs).toEqual([]);
    await page.context().close();
  });
});
