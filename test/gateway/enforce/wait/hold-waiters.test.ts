import { afterAll, beforeAll, expect, test } from 'vitest';
import { assertCall, type Hold } from '../../../../gateway/domain/hold.ts';
import type { HoldStore } from '../../../../gateway/domain/hold-store.ts';
import { Problem } from '../../../../gateway/domain/problem.ts';
import { createHoldWaiters } from '../../../../gateway/enforce/wait/hold-waiters.ts';
import { startDataPlane, TOKEN, approve, BEN, type DataPlane } from '../../../helpers/data-plane.ts';
import { startUpstream, type Upstream } from '../../../helpers/upstream.ts';

const REGO = `package rules.payments

hold contains {"rule": "pays", "reviewers": ["finance"]}
`;

let upstream: Upstream;
let plane: DataPlane;
let reads = 0;
let away = false;
/** The store. Reads are counted, and it is unavailable when a test says so. */
let store: Pick<HoldStore, 'watch' | 'find'>;

beforeAll(async () => {
  upstream = await startUpstream();
  plane = await startDataPlane({
    systems: { payments: { upstream: upstream.url, wait: '0s' } },
    rego: { 'payments.rego': REGO },
  });
  store = {
    watch: (changed) => plane.store.holds.watch(changed),
    async find(id) {
      reads += 1;
      if (away) throw new Problem('store-unavailable');
      return plane.store.holds.find(id);
    },
  };
});

afterAll(async () => {
  await plane?.close();
  await upstream?.close();
});

let calls = 0;
async function held(): Promise<Hold> {
  const answer = await fetch(`${plane.url}/payments/pay`, {
    method: 'POST',
    body: JSON.stringify({ number: (calls += 1) }),
    headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' },
  });
  const { hold_id } = (await answer.json()) as { hold_id: string };
  return (await plane.store.holds.find(hold_id))!;
}

const stay = { onGone() {} };
const reject = ({ id, revision }: Hold) =>
  plane.store.holds.apply(id, { type: 'reject', by: BEN, channel: 'api', revision, code: 'other', note: null });

test('two thousand callers are woken by the decisions on their holds, and none reads the store on leaving', async () => {
  const room = createHoldWaiters(store);
  const holds: Hold[] = [];
  for (let i = 0; i < 200; i++) holds.push(await held());
  reads = 0;
  const waiting = Array.from({ length: 2_000 }, (_, i) => room.wait(holds[i % 200]!, 60_000, stay));
  expect(room.size).toBe(2_000);
  await expect.poll(() => reads).toBe(200);
  for (const hold of holds) await reject(hold);
  const ends = await Promise.all(waiting);
  expect(ends.every(({ status }) => status === 'rejected')).toBe(true);
  expect([room.size, reads]).toEqual([0, 200]);
});

test('a drain sends all callers away with the last known state, including callers that come later', async () => {
  const room = createHoldWaiters(store);
  const hold = await held();
  reads = 0;
  const waiting = Array.from({ length: 100 }, () => room.wait(hold, 60_000, stay));
  await expect.poll(() => reads).toBe(1);
  room.drain();
  expect((await Promise.all(waiting)).every(({ status }) => status === 'pending')).toBe(true);
  expect(await room.wait(hold, 60_000, stay)).toBe(hold);
  expect([room.draining, room.size, reads]).toEqual([true, 0, 1]);
});

test('a caller with an old version of a hold that was decided since does not wait', async () => {
  const room = createHoldWaiters(store);
  const hold = await held();
  await reject(hold);
  expect(await room.wait(hold, 60_000, stay)).toMatchObject({ status: 'rejected' });
});

test('a caller that leaves is removed at once, and a caller without time left does not wait', async () => {
  const room = createHoldWaiters(store);
  const hold = await held();
  let leave = () => {};
  const waiting = room.wait(hold, 60_000, { onGone: (way) => (leave = way) });
  expect(room.size).toBe(1);
  leave();
  expect(await waiting).toMatchObject({ status: 'pending' });
  expect(await room.wait(hold, 0, stay)).toBe(hold);
  expect(room.size).toBe(0);
});

test('a caller waits while its call is being released or is due to be resent, and no longer', async () => {
  const room = createHoldWaiters(store);
  const hold = await held();
  await approve(plane.store, hold.id);
  const release = { type: 'release', attempt: 'att_1', by: 'w/1/r', key: 'k', policyRevision: '' } as const;
  const releasing = (await plane.store.holds.apply(hold.id, release)) as Hold;
  const lost = { type: 'indeterminate', attempt: 'att_1', reason: 'reset', resendAt: Date.now() } as const;
  let done: object | null = null;
  const waiting = room.wait(releasing, 60_000, stay).then((end) => (done = end));
  await plane.store.holds.apply(hold.id, lost);
  await expect.poll(async () => assertCall((await plane.store.holds.find(hold.id))!).resendAt).not.toBeNull();
  expect(done).toBeNull();
  await plane.store.holds.apply(hold.id, { type: 'leave-to-people', reason: 'enough' });
  expect(await waiting).toMatchObject({ execution: 'indeterminate', resendAt: null });
});

test('a caller waits while the store is unavailable, until its time is over or the store is back', async () => {
  const room = createHoldWaiters(store);
  const [impatient, patient] = [await held(), await held()];
  await reject(patient);
  away = true;
  expect(await room.wait(impatient, 50, stay)).toMatchObject({ id: impatient.id, status: 'pending' });
  reads = 0;
  const waiting = room.wait(patient, 60_000, stay);
  await expect.poll(() => reads).toBe(1);
  expect(room.size).toBe(1);
  away = false;
  expect(await waiting).toMatchObject({ status: 'rejected' });
});
