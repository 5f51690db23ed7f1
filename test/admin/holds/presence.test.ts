import { afterEach, beforeEach, expect, test } from 'vitest';
import { createPresence } from '../../../admin/holds/presence.ts';
import { openDesk, type Desk } from '../desk.ts';

let desk: Desk;
let id: string;
beforeEach(async () => {
  desk = await openDesk();
  id = await desk.hold();
});
afterEach(async () => {
  await desk.close();
});

async function others(who: string): Promise<unknown> {
  const { status, json } = await desk.post(`/api/holds/${id}/presence`, { who, ifMatch: null });
  expect(status).toBe(200);
  return (json as { others: unknown }).others;
}

test('reviewers who look at a hold hear of each other, and of who is editing', async () => {
  const begun = new Date(desk.now).toISOString();
  expect(await others('ben')).toEqual([]);
  desk.now += 20_000;
  expect(await others('cleo')).toEqual([{ reviewer: 'ben@example.com', since: begun, editing: false }]);
  await desk.post(`/api/holds/${id}/claim`, { who: 'cleo' });
  expect(await others('ben')).toMatchObject([{ reviewer: 'cleo@example.com', editing: true }]);
  desk.now += 20_000;
  expect(await others('cleo')).toMatchObject([{ reviewer: 'ben@example.com', since: begun }]);
});

test('a reviewer who leaves is gone at once, and one who no longer reports after 45 seconds', async () => {
  await others('ben');
  await others('dan');
  await desk.delete(`/api/holds/${id}/presence`, { who: 'dan', ifMatch: null });
  expect(await others('cleo')).toMatchObject([{ reviewer: 'ben@example.com' }]);
  desk.now += 44_999;
  expect(await others('cleo')).toMatchObject([{ reviewer: 'ben@example.com' }]);
  desk.now += 1;
  expect(await others('cleo')).toEqual([]);
  // Who comes back has been there since then.
  const back = new Date(desk.now).toISOString();
  await others('ben');
  expect(await others('cleo')).toMatchObject([{ since: back }]);
});

test('looking at a hold changes nothing about it', async () => {
  await others('ben');
  await desk.delete(`/api/holds/${id}/presence`, { ifMatch: null });
  expect(await desk.store.holds.find(id)).toMatchObject({ version: 1, lease: null });
  expect(await desk.store.outbox.read(0, 10)).toHaveLength(1);
  expect((await desk.post('/api/holds/hold_00000000000000000000000000000000/presence')).status).toBe(404);
});

test('presence is kept of a limited number of holds: those visited last', () => {
  const presence = createPresence(() => 0, 2);
  for (const hold of ['a', 'b', 'a', 'c']) presence.arrive(hold, 'ben');
  expect(['a', 'b', 'c'].map((hold) => presence.openings(hold).length)).toEqual([1, 0, 1]);
});
