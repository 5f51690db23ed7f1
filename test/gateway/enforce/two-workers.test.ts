import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { HoldCommand } from '../../../gateway/domain/hold-command.ts';
import type { Store } from '../../../gateway/domain/store.ts';
import { approve, BEN, startDataPlane, TOKEN, type DataPlane } from '../../helpers/data-plane.ts';
import { tempFolder } from '../../helpers/folder.ts';
import { startUpstream, type Upstream } from '../../helpers/upstream.ts';

/** Policy reads a header that is not part of what an approval binds to. */
const REGO = `package rules.payments

holds if not input.context.claims.urgent

hold contains {"rule": "pays", "reviewers": ["finance"]} if holds

allow contains {"rule": "urgent"} if not holds
`;

const folder = tempFolder();
let upstream: Upstream;
let one: DataPlane;
let two: DataPlane;
/** A worker that never hears of rejections. */
let deaf: DataPlane;
/** Called before worker one carries out a command. */
let before: (command: HoldCommand) => Promise<unknown> = async () => {};

const through = (store: Store): Store => ({
  ...store,
  holds: {
    ...store.holds,
    async apply(id, command) {
      await before(command);
      return store.holds.apply(id, command);
    },
  },
});

beforeAll(async () => {
  upstream = await startUpstream((_received, response) => void response.writeHead(201).end('paid'));
  const start = (name: string, own: (store: Store) => Store) =>
    startDataPlane({
      systems: { payments: { upstream: upstream.url, wait: '60s' } },
      rego: { 'payments.rego': REGO },
      at: { file: join(folder.path, 'holds.sqlite') },
      key: join(folder.path, 'holds.key'),
      name,
      through: own,
    });
  one = await start('worker-0/1/test', through);
  two = await start('worker-1/2/test', (store) => store);
  deaf = await start('worker-2/3/test', (store) => ({
    ...store,
    holds: {
      ...store.holds,
      watch: (changed) => store.holds.watch((hold) => hold.status !== 'rejected' && changed(hold)),
    },
  }));
}, 60_000);

afterAll(async () => {
  await one?.close();
  await two?.close();
  await deaf?.close();
  await upstream?.close();
  folder.remove();
});

function pay(plane: DataPlane, purpose: string, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(`${plane.url}/payments/pay`, {
    method: 'POST',
    body: JSON.stringify({ purpose }),
    headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json', ...headers },
  });
}

const NOW = { prefer: 'wait=0' };
const sentFor = (purpose: string) => upstream.received.filter(({ body }) => body.includes(purpose)).length;

/** Opens a hold at a worker. */
async function held(plane: DataPlane, purpose: string, headers: Record<string, string> = NOW): Promise<string> {
  const { code, hold_id } = (await (await pay(plane, purpose, headers)).json()) as { code: string; hold_id: string };
  expect(code).toBe('approval-pending');
  return hold_id;
}

test('the caller of an approved call has the whole response only once the store has the outcome', async () => {
  const purpose = randomUUID();
  const order: string[] = [];
  const id = await held(one, purpose);
  await approve(two.store, id);
  const answered = Promise.withResolvers<void>();
  before = async ({ type }) => {
    if (type !== 'executed') return;
    await Promise.race([answered.promise, pause(300)]);
    order.push('recorded');
  };
  const answer = await pay(one, purpose);
  expect(await answer.text()).toBe('paid');
  order.push('answered');
  answered.resolve();
  before = async () => {};
  expect(order).toEqual(['recorded', 'answered']);
});

test('a call repeated at another worker right after its approved twin was answered is never told that the twin waits', async () => {
  for (let round = 0; round < 20; round++) {
    const purpose = randomUUID();
    const id = await held(one, purpose);
    await approve(two.store, id);
    expect(await (await pay(one, purpose)).text()).toBe('paid');
    const again = (await (await pay(two, purpose, NOW)).json()) as { code: string; hold_id: string };
    expect(again.hold_id).not.toBe(id);
    expect((await two.store.holds.find(again.hold_id))!.status).toBe('pending');
  }
});

test('a caller that attaches to a call under way at another worker is told that it is being sent, not that it waits for approval', async () => {
  const purpose = randomUUID();
  const key = { 'idempotency-key': purpose };
  const id = await held(one, purpose, { ...NOW, ...key });
  await approve(two.store, id);
  const executed = Promise.withResolvers<void>();
  before = async ({ type }) => (type === 'executed' ? executed.promise : undefined);
  const answer = pay(one, purpose, key);
  await expect.poll(() => sentFor(purpose)).toBe(1);
  const meanwhile = await pay(two, purpose, { ...NOW, ...key });
  expect(meanwhile.status).toBe(503);
  expect(meanwhile.headers.get('location')).toBe(`/-/holds/${id}`);
  expect(await meanwhile.json()).toMatchObject({ code: 'release-pending', hold_id: id });
  executed.resolve();
  expect(await (await answer).text()).toBe('paid');
  before = async () => {};
  const later = await pay(two, purpose, { ...NOW, ...key });
  expect([later.status, await later.text()]).toEqual([201, 'paid']);
  expect(sentFor(purpose)).toBe(1);
});

test('a caller whose time is over is told of a decision that its worker has not heard of', async () => {
  const purpose = randomUUID();
  const id = await held(one, purpose);
  const answer = pay(deaf, purpose, { prefer: 'wait=1' });
  const waiting = async () =>
    (await deaf.registry.getSingleMetric('holdpoint_waiting_callers')?.get())?.values[0]?.value;
  await expect.poll(waiting).toBe(1);
  const rejection = { type: 'reject', by: BEN, channel: 'api', revision: 1, code: 'other', note: null } as const;
  await one.store.holds.apply(id, rejection);
  expect(await (await answer).json()).toMatchObject({ code: 'rejected', reviewer_code: 'other' });
});

/** The same call, as policy allows it. `Agent-Context` is no part of what an approval binds to. */
const URGENT = { 'agent-context': 'urgent' };

test('a call that one worker holds and another allows at once is sent once, and the hold says which call was sent', async () => {
  for (let round = 0; round < 20; round++) {
    const purpose = randomUUID();
    const id = await held(one, purpose);
    expect((await pay(two, purpose, URGENT)).status).toBe(201);
    await approve(one.store, id).catch(() => {});
    await pay(one, purpose, NOW);
    const { status, note } = (await one.store.holds.find(id))!;
    expect([status, sentFor(purpose)]).toEqual(['superseded', 1]);
    expect(note).toMatch(/it was forwarded as call_[0-9a-f]{32}$/);
  }
});

test('a call that is allowed while its own worker stores the hold on its twin is sent once', async () => {
  for (let round = 0; round < 20; round++) {
    const purpose = randomUUID();
    const [hold, allowed] = await Promise.all([held(one, purpose), pay(one, purpose, URGENT)]);
    expect(allowed.status).toBe(201);
    await approve(one.store, hold).catch(() => {});
    await pay(one, purpose, NOW);
    const { status, execution } = (await one.store.holds.find(hold))!;
    // The allowed call came first, and the other was approved by a person later; or it superseded the other.
    expect([
      ['superseded', 'none', 1],
      ['approved', 'executed', 2],
    ]).toContainEqual([status, execution, sentFor(purpose)]);
  }
});

test('a call that was allowed before its twin was held does not supersede it: people approved a repetition', async () => {
  const purpose = randomUUID();
  expect((await pay(two, purpose, URGENT)).status).toBe(201);
  const sentAt = Date.now();
  await expect.poll(() => Date.now()).toBeGreaterThan(sentAt);
  const id = await held(one, purpose);
  await approve(one.store, id);
  expect((await pay(one, purpose)).status).toBe(201);
  expect(await one.store.holds.find(id)).toMatchObject({ status: 'approved', execution: 'executed' });
  expect(sentFor(purpose)).toBe(2);
});

test('an approved call waits for a worker that has not heard of it; if that worker ends, people are asked again and told why', async () => {
  const purpose = randomUUID();
  const silent = 'worker-9/9/test';
  await one.store.senders.join(silent);
  const id = await held(one, purpose);
  await approve(one.store, id);
  expect(await (await pay(one, purpose, NOW)).json()).toMatchObject({ code: 'release-pending', hold_id: id });
  expect(sentFor(purpose)).toBe(0);

  await one.store.senders.end((name) => name === silent);
  expect(await (await pay(two, purpose, NOW)).json()).toMatchObject({ code: 'approval-pending', hold_id: id });
  expect(await one.store.holds.find(id)).toMatchObject({
    status: 'pending',
    revision: 2,
    reason: expect.stringContaining(`${silent} ended before it heard of this hold, and may have sent the same call`),
  });
  await approve(one.store, id);
  expect((await pay(two, purpose)).status).toBe(201);
  expect(sentFor(purpose)).toBe(1);
});

test('a worker that leaves in order keeps no approved call waiting', async () => {
  const purpose = randomUUID();
  const folder = tempFolder();
  const start = (name: string) =>
    startDataPlane({
      systems: { payments: { upstream: upstream.url, wait: '60s' } },
      rego: { 'payments.rego': REGO },
      at: { file: join(folder.path, 'holds.sqlite') },
      key: join(folder.path, 'holds.key'),
      name,
    });
  const [stays, leaves] = [await start('worker-0/1/leaving'), await start('worker-1/2/leaving')];
  const id = await held(stays, purpose);
  await leaves.close();
  await approve(stays.store, id);
  expect((await pay(stays, purpose)).status).toBe(201);
  await stays.close();
  folder.remove();
});
