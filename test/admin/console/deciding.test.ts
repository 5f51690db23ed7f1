import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { TERMS } from '../desk.ts';
import { CHROMIUM, openScene, type Scene } from './scene.ts';

const MINUTE = 60_000;
let count = 0;
/** Another call each time: an identical one would find the same hold. */
const body = (amount: string, more = '') =>
  `{"amount":${amount},"currency":"usd","charge":"ch_${(count += 1)}"${more}}`;

describe.skipIf(CHROMIUM === null)('the console in Chromium', () => {
  let scene: Scene;
  beforeAll(async () => {
    scene = await openScene();
  });
  afterAll(() => scene?.close());

  const hold = (text: string, terms: Partial<typeof TERMS> = {}) =>
    scene.desk.hold(
      text,
      { expiresIn: 30 * MINUTE, reversible: true, ...terms },
      { digest: String(count).padStart(64, '0') },
    );
  const statusOf = async (id: string) =>
    (await scene.desk.get(`/api/holds/${id}`)).json as {
      status: string;
      code: string;
      revision: number;
      [m: string]: unknown;
    };

  test('a key approves a held call after three seconds, in which nothing was sent and Undo takes it back', async () => {
    const id = await hold(body('50000'));
    const { page, wrongs } = await scene.visit(`/holds/${id}`);
    await page.getByRole('button', { name: 'Approve' }).waitFor();
    await page.keyboard.press('a');
    await page.getByRole('button', { name: 'Undo' }).click();
    await expect.poll(() => page.getByRole('button', { name: 'Approve' }).isVisible()).toBe(true);
    expect(await statusOf(id)).toMatchObject({ status: 'pending' });

    await page.keyboard.press('a');
    await page.getByRole('heading', { name: 'What happened' }).waitFor();
    expect(await statusOf(id)).toMatchObject({ status: 'approved' });
    expect(wrongs).toEqual([]);
    await page.context().close();
  });

  test('Enter on the button Approve approves nothing', async () => {
    const id = await hold(body('51000'));
    const { page } = await scene.visit(`/holds/${id}`);
    await page.getByRole('button', { name: 'Approve' }).focus();
    await page.keyboard.press('Enter');
    expect(await page.getByRole('button', { name: 'Undo' }).count()).toBe(0);
    await page.context().close();
  });

  test('a page that is closed sends at once what was decided on it', async () => {
    const id = await hold(body('52000'));
    const { page } = await scene.visit(`/holds/${id}`);
    await page.getByRole('button', { name: 'Approve' }).click();
    await page.getByRole('button', { name: 'Undo' }).waitFor();
    await page.goto('about:blank');
    await expect.poll(async () => (await statusOf(id)).status).toBe('approved');
    await page.context().close();
  });

  test('a call that cannot be undone is approved only after its amount was typed', async () => {
    const id = await hold(body('70000'), { reversible: false });
    const { page } = await scene.visit(`/holds/${id}`);
    const approve = page.getByRole('button', { name: 'Approve' });
    expect(await approve.isDisabled()).toBe(true);
    await page.getByLabel('This cannot be undone').fill('70000');
    await approve.click();
    await page.getByRole('heading', { name: 'What happened' }).waitFor();
    expect(await statusOf(id)).toMatchObject({ status: 'approved' });
    await page.context().close();
  });

  test('a rejection from the keyboard carries code and note', async () => {
    const id = await hold(body('53000'));
    const { page } = await scene.visit(`/holds/${id}`);
    await page.getByRole('button', { name: 'Reject' }).waitFor();
    await page.keyboard.press('r');
    await page.getByLabel('Wrong amount').check();
    await page.getByLabel('Note, which the agent reads').fill('Half of it.');
    await page.keyboard.press('Control+Enter');
    await page.getByRole('heading', { name: 'What happened' }).waitFor();
    expect(await statusOf(id)).toMatchObject({
      status: 'rejected',
      decided: { code: 'wrong-amount', note: 'Half of it.' },
    });
    await page.context().close();
  });

  test('an edit keeps twenty digits of every number, and says that somebody else must approve it', async () => {
    const id = await hold(body('500', ',"reference":12345678901234567890,"note":"a"'), {
      editable: ['/note', '/reference'],
    });
    const { page } = await scene.visit(`/holds/${id}`);
    await page.getByRole('button', { name: 'Edit' }).click();
    expect(await page.getByLabel('reference').inputValue()).toBe('12345678901234567890');
    await page.getByLabel('reference').fill('12345678901234567891');
    await page.getByText('must approve').waitFor();
    await page.getByRole('button', { name: 'Save the change' }).click();
    await expect.poll(async () => (await statusOf(id)).revision).toBe(2);
    const { action } = (await statusOf(id)) as unknown as { action: { body_text: string } };
    expect(action.body_text).toContain('"reference":12345678901234567891');
    await page.getByText('You approved this. Somebody else must, before it is sent.').waitFor();
    await page.context().close();
  });

  test('a second reviewer who is late reads who decided, and when', async () => {
    const id = await hold(body('54000'));
    const { page } = await scene.visit(`/holds/${id}`);
    await page.getByRole('button', { name: 'Approve' }).click();
    await scene.desk.post(`/api/holds/${id}/reject`, { who: 'cleo', body: { code: 'not-now' } });
    const said = page.getByRole('status').filter({ hasText: 'so your decision changed nothing' });
    await expect.poll(() => said.textContent()).toMatch(/cleo@example.com rejected this at \d\d:\d\d/);
    await page.context().close();
  });

  test('a tab whose call was changed elsewhere shows the change before it decides', async () => {
    const id = await hold(body('55000'), { editable: ['/amount'] });
    const { page } = await scene.visit(`/holds/${id}`);
    await page.getByRole('button', { name: 'Approve' }).waitFor();
    await scene.desk.post(`/api/holds/${id}/approve`, { who: 'cleo', body: { edit: { amount: 100 } } });
    await page.getByText('cleo@example.com changed this call').waitFor();
    expect(await page.getByRole('button', { name: 'Approve' }).isDisabled()).toBe(true);
    await page.getByRole('button', { name: 'I have seen the change' }).click();
    await page.getByRole('button', { name: 'Approve' }).click();
    await page.getByRole('heading', { name: 'What happened' }).waitFor();
    await page.context().close();
  });
});
