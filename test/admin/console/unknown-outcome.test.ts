import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CHROMIUM, openScene, type Scene } from './scene.ts';

const MINUTE = 60_000;

describe.skipIf(CHROMIUM === null)('a call of unknown outcome in Chromium', () => {
  let scene: Scene;
  let count = 0;
  beforeAll(async () => {
    scene = await openScene();
  });
  afterAll(() => scene?.close());

  async function lost(resendAt: number | null = null): Promise<string> {
    const { desk } = scene;
    count += 1;
    const digest = String(count).padStart(64, '0');
    const id = await desk.hold(`{"amount":${count}}`, {}, { digest });
    await desk.post(`/api/holds/${id}/approve`, { who: 'cleo' });
    const release = { type: 'release', attempt: 'att_1', by: 'worker-0', key: 'key-1', policyRevision: 'p1' } as const;
    await desk.store.holds.apply(id, release);
    const broken = { type: 'indeterminate', attempt: 'att_1', reason: 'the connection broke', resendAt } as const;
    await desk.store.holds.apply(id, broken);
    return id;
  }
  const read = async (id: string) =>
    (await scene.desk.get(`/api/holds/${id}`)).json as Readonly<Record<string, unknown>>;

  test.each([
    ['It was done', 'What shows it', 're_42', 'confirmed-executed', 'it was done'],
    ['It was not done', 'Or what you looked at', 'No such refund there.', 'confirmed-not', 'it was not done'],
  ])('“%s” settles it, with evidence alone', async (button, field, evidence, execution, sentence) => {
    const id = await lost();
    const { page, wrongs } = await scene.visit(`/holds/${id}`);
    await page.getByText('it may or may not have been done').waitFor();
    await page.getByText('key-1', { exact: true }).waitFor();
    const settle = page.getByRole('button', { name: button, exact: true });
    expect(await settle.isDisabled()).toBe(true);
    await page.getByLabel(field).fill(evidence);
    await settle.click();
    await page.getByText(`ben@example.com reported`).waitFor();
    await page.getByText(sentence).first().waitFor();
    await page.getByText(evidence).first().waitFor();
    expect(await read(id)).toMatchObject({ status: 'approved', execution });
    expect(wrongs).toEqual([]);
    await page.context().close();
  });

  test('a report can be undone before it is sent', async () => {
    const id = await lost();
    const { page } = await scene.visit(`/holds/${id}`);
    await page.getByLabel('What shows it').fill('re_1');
    await page.getByRole('button', { name: 'It was done' }).click();
    await page.getByRole('button', { name: 'Undo' }).click();
    await page.getByRole('button', { name: 'It was done' }).waitFor();
    expect(await read(id)).toMatchObject({ execution: 'indeterminate' });
    await page.context().close();
  });

  test('who looks is told when the gateway sends it again by itself', async () => {
    const id = await lost(scene.desk.now + 10 * MINUTE);
    const { page } = await scene.visit(`/holds/${id}`);
    await page.getByText('It is sent again at').waitFor();
    expect(await page.getByRole('button', { name: 'It was done' }).count()).toBe(0);
    await page.context().close();
  });

  test('a page that is open learns by itself that the outcome became unknown', async () => {
    const { desk } = scene;
    const id = await desk.hold('{"amount":77}', {}, { digest: '7'.repeat(64) });
    const { page } = await scene.visit(`/holds/${id}`);
    await expect.poll(() => page.getByText('Live', { exact: true }).count()).toBe(1);
    await desk.post(`/api/holds/${id}/approve`, { who: 'cleo' });
    await page.getByText('Waits for the agent to collect it').waitFor();
    await desk.store.holds.apply(id, {
      type: 'release',
      attempt: 'att_1',
      by: 'worker-0',
      key: 'key-1',
      policyRevision: 'p1',
    });
    await page.getByText('Being sent since').waitFor();
    await desk.store.holds.apply(id, { type: 'indeterminate', attempt: 'att_1', reason: 'reset', resendAt: null });
    await page.getByRole('button', { name: 'It was done' }).waitFor();
    await page.context().close();
  });

  test('who may not settle it sees the state and no button', async () => {
    const id = await lost();
    const { page } = await scene.visit(`/holds/${id}`, 'dan');
    await page.getByText('it may or may not have been done').waitFor();
    expect(await page.getByRole('button', { name: 'It was done' }).count()).toBe(0);
    await page.context().close();
  });
});
