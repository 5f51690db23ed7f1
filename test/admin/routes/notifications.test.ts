import { afterEach, beforeEach, expect, test } from 'vitest';
import { openDesk, type Desk } from '../desk.ts';

let desk: Desk;
beforeEach(async () => {
  desk = await openDesk({
    compose: (occasion) =>
      occasion.kind === 'opened'
        ? [{ kind: 'opened', holdId: occasion.hold.id, channel: 'email', to: 'ben@example.com', payload: '{"x":1}' }]
        : [],
  });
});
afterEach(async () => {
  await desk.close();
});

const who = 'olga';

async function giveUp(): Promise<{ id: string; hold: string }> {
  const hold = await desk.hold();
  const [notice] = await desk.store.notifications.take(desk.now, desk.now + 1_000, 1);
  await desk.store.notifications.settle(notice!.id, { state: 'dead', error: 'no such mailbox' });
  return { id: notice!.id, hold };
}

test('an operator lists undeliverable notifications and retries them', async () => {
  const { id, hold } = await giveUp();
  const notice = {
    notice_id: id,
    kind: 'opened',
    hold_id: hold,
    channel: 'email',
    to: 'ben@example.com',
    state: 'dead',
    created_at: new Date(desk.now).toISOString(),
    attempts: 1,
    error: 'no such mailbox',
  };
  expect((await desk.get('/api/notices?state=dead', who)).json).toEqual({ items: [notice], next: null });
  expect(await desk.post(`/api/notices/${id}/resend`, { who })).toMatchObject({
    status: 200,
    json: { notice_id: id, state: 'waiting' },
  });
  expect((await desk.get('/api/notices', who)).json).toEqual({ items: [], next: null });
  expect(await desk.post(`/api/notices/${id}/resend`, { who })).toMatchObject({ status: 404 });
});

test('only operators may list or retry undeliverable notifications', async () => {
  const { id } = await giveUp();
  expect((await desk.get('/api/notices')).status).toBe(403);
  expect((await desk.post(`/api/notices/${id}/resend`)).status).toBe(403);
  expect((await desk.get('/api/notices', who)).json).toMatchObject({ items: [{ notice_id: id }] });
});

test('an unknown notification state is 422', async () => {
  expect((await desk.get('/api/notices?state=sent', who)).status).toBe(422);
});
