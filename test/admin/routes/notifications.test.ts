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

async function giveUp(error = 'no such mailbox'): Promise<{ id: string; hold: string }> {
  const hold = await desk.hold();
  const [notice] = await desk.store.notifications.take(desk.now, desk.now + 1_000, 1);
  await desk.store.notifications.settle(notice!.id, { state: 'dead', error });
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
    next_at: null,
  };
  expect((await desk.get('/api/notices?state=dead', who)).json).toEqual({ items: [notice], next: null });
  expect(await desk.post(`/api/notices/${id}/resend`, { who })).toMatchObject({
    status: 200,
    json: { notice_id: id, state: 'waiting', next_at: new Date(desk.now).toISOString() },
  });
  expect((await desk.get('/api/notices?state=dead', who)).json).toEqual({ items: [], next: null });
  expect(await desk.post(`/api/notices/${id}/resend`, { who })).toMatchObject({ status: 404 });
});

test('only operators may list or retry notifications', async () => {
  const { id } = await giveUp();
  expect((await desk.get('/api/notices')).status).toBe(403);
  expect((await desk.post(`/api/notices/${id}/resend`)).status).toBe(403);
  expect((await desk.get('/api/notices', who)).json).toMatchObject({ items: [{ notice_id: id }] });
});

test('notifications of every state are listed page by page, newest first, and never with what they say', async () => {
  const { id: dead } = await giveUp();
  desk.now += 1_000;
  await desk.hold('{"amount":1}', {}, { digest: 'b'.repeat(64) });
  const first = await desk.get('/api/notices?limit=1', who);
  expect(first.json).toMatchObject({
    items: [{ state: 'waiting', attempts: 0, next_at: new Date(desk.now).toISOString() }],
  });
  const { next } = first.json as { next: string };
  expect((await desk.get(`/api/notices?limit=1&cursor=${next}`, who)).json).toMatchObject({
    items: [{ notice_id: dead, state: 'dead' }],
    next: null,
  });
  expect((await desk.get('/api/notices?state=sent', who)).json).toEqual({ items: [], next: null });
  expect(first.text).not.toContain('payload');
  expect((await desk.get('/api/notices?state=lost', who)).status).toBe(422);
  expect((await desk.get('/api/notices?limit=201', who)).status).toBe(422);
});

test('a secret in the error of a notification is masked', async () => {
  await giveUp('SMTP 550: password=hunter2hunter2 refused');
  const { text } = await desk.get('/api/notices', who);
  expect(text).toContain('SMTP 550');
  expect(text).not.toContain('hunter2');
});
