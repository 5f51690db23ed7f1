import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { TERMS } from '../desk.ts';
import { CHROMIUM, openScene, type Scene } from './scene.ts';

const MINUTE = 60_000;

describe.skipIf(CHROMIUM === null)('several people, and a clock, in Chromium', () => {
  let scene: Scene;
  let count = 0;
  beforeAll(async () => {
    scene = await openScene();
  });
  afterAll(() => scene?.close());

  /** Another call each time: an identical one would find the same hold. */
  const hold = (terms: Partial<typeof TERMS> = {}) => {
    count += 1;
    return scene.desk.hold(
      `{"amount":${count},"note":"a"}`,
      { expiresIn: 30 * MINUTE, reversible: true, editable: ['/note'], ...terms },
      { digest: String(count).padStart(64, '0') },
    );
  };
  type Read = {
    readonly status: string;
    readonly version: number;
    readonly routing: { readonly lease: object | null };
  };
  const read = async (id: string) => (await scene.desk.get(`/api/holds/${id}`)).json as Read;

  test('who looks at a hold sees who else does, until that person leaves', async () => {
    const id = await hold();
    const cleo = await scene.visit(`/holds/${id}`, 'cleo');
    await cleo.page.getByRole('button', { name: 'Approve' }).waitFor();
    const ben = await scene.visit('/holds');
    await ben.page.clock.install();
    await ben.page.goto(`${scene.desk.url}/holds/${id}`);
    const others = ben.page.getByText('cleo@example.com looks at this too');
    await others.waitFor();
    const left = cleo.page.waitForResponse((response) => response.request().method() === 'DELETE');
    await cleo.page.getByRole('link', { name: 'Held calls' }).first().click();
    await left;
    await ben.page.clock.fastForward(20_000);
    await others.waitFor({ state: 'detached' });
    expect([...cleo.wrongs, ...ben.wrongs]).toEqual([]);
    await cleo.page.context().close();
    await ben.page.context().close();
  });

  test('opening the editor claims the hold, which others see and wait for; leaving it releases the hold', async () => {
    const id = await hold();
    const ben = await scene.visit(`/holds/${id}`);
    const cleo = await scene.visit(`/holds/${id}`, 'cleo');
    await cleo.page.getByRole('button', { name: 'Approve' }).waitFor();
    await ben.page.getByRole('button', { name: 'Edit' }).click();
    await cleo.page.getByText('ben@example.com is deciding on this.').waitFor();
    await expect.poll(() => cleo.page.getByRole('button', { name: 'Approve' }).count()).toBe(0);
    expect((await read(id)).routing.lease).toMatchObject({ by: 'ben@example.com' });

    await ben.page.getByRole('button', { name: 'Leave it as it is' }).click();
    await cleo.page.getByRole('button', { name: 'Approve' }).waitFor();
    await ben.page.getByRole('button', { name: 'Edit' }).click();
    await cleo.page.getByText('ben@example.com is deciding on this.').waitFor();
    // Also when the tab is closed in the middle of it.
    await ben.page.close({ runBeforeUnload: true });
    await expect.poll(async () => (await read(id)).routing.lease).toBe(null);
    await cleo.page.getByRole('button', { name: 'Approve' }).waitFor();
    await ben.page.context().close();
    await cleo.page.context().close();
  });

  test('two reviewers who decide at once are both told who decided', async () => {
    const id = await hold();
    const [ben, cleo] = [await scene.visit(`/holds/${id}`), await scene.visit('/me', 'cleo')];
    // Also without the stream: her own decision tells her.
    await cleo.page.route('**/api/stream', (route) => route.abort());
    await cleo.page.goto(`${scene.desk.url}/holds/${id}`);
    await cleo.page.getByRole('button', { name: 'Reject' }).waitFor();
    await ben.page.getByRole('button', { name: 'Approve' }).click();
    await cleo.page.keyboard.press('r');
    await cleo.page.keyboard.press('Control+Enter');
    const winner = ben.page.getByText(/(Approved by ben|Rejected by cleo)@example.com/).first();
    await winner.waitFor();
    const said = await winner.innerText();
    const { status } = await read(id);
    expect(said).toContain(status === 'approved' ? 'Approved by ben' : 'Rejected by cleo');
    const loser = status === 'approved' ? cleo.page : ben.page;
    await loser.getByRole('status').filter({ hasText: 'so your decision changed nothing' }).waitFor();
    await loser.getByText(said).first().waitFor();
    await ben.page.context().close();
    await cleo.page.context().close();
  });

  test('a double click is one decision', async () => {
    const id = await hold();
    const { page } = await scene.visit(`/holds/${id}`);
    const sent: string[] = [];
    page.on('request', (request) => void (request.method() === 'POST' && sent.push(new URL(request.url()).pathname)));
    await page.getByRole('button', { name: 'Approve' }).dblclick();
    await page.getByRole('heading', { name: 'What happened' }).waitFor();
    expect(sent.filter((path) => path.endsWith('/approve'))).toHaveLength(1);
    await page.context().close();
  });

  test('a decision without a network says that it may not have arrived, and counts once the person decides again', async () => {
    const id = await hold();
    const { page } = await scene.visit(`/holds/${id}`);
    await page.getByRole('button', { name: 'Approve' }).waitFor();
    await page.context().setOffline(true);
    await page.getByText('The gateway cannot be reached').waitFor();
    await page.getByRole('button', { name: 'Approve' }).click();
    await page.getByText('your decision may or may not have arrived').waitFor();
    expect((await read(id)).status).toBe('pending');
    await page.context().setOffline(false);
    await page.getByText('Live', { exact: true }).waitFor();
    await page.getByRole('button', { name: 'Approve' }).click();
    await page.getByRole('heading', { name: 'What happened' }).waitFor();
    expect((await read(id)).status).toBe('approved');
    await page.context().close();
  });

  test('a hold that expires while a person looks has no buttons any more, and says when it ended', async () => {
    const id = await hold();
    const looking = await scene.visit(`/holds/${id}`, 'cleo');
    await looking.page.getByRole('region', { name: 'Decide' }).waitFor();
    await looking.page.getByText('Live', { exact: true }).waitFor();
    const { page } = await scene.visit(`/holds/${id}`);
    await page.getByRole('button', { name: 'Approve' }).click();
    await page.getByRole('button', { name: 'Undo' }).waitFor();
    scene.desk.now += 31 * MINUTE;
    await scene.desk.store.holds.apply(id, { type: 'expire' });
    for (const each of [looking.page, page]) {
      const ended = each.getByText(/^Expired at/).first();
      await ended.waitFor();
      expect(await each.getByRole('region', { name: 'Decide' }).count()).toBe(0);
    }
    await page
      .getByRole('status')
      .filter({ hasText: /This expired at .*, so your decision changed nothing/ })
      .waitFor();
    expect((await read(id)).status).toBe('expired');
    await looking.page.context().close();
    await page.context().close();
  });
});
