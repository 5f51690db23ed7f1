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
/** A worker that never hears of what others do. */
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
  deaf = await start('worker-2/3/test', (store) => ({ ...store, holds: { ...store.holds, watch: () => () => {} } }));
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
