import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { approve, BEN, startDataPlane, TOKEN, type DataPlane } from '../../helpers/data-plane.ts';
import { tempFolder } from '../../helpers/folder.ts';
import { startPostgres, type PostgresServer } from '../../helpers/postgres.ts';
import { startUpstream, type Upstream } from '../../helpers/upstream.ts';

const REGO = `package rules.payments

allow contains {"rule": "reads"} if input.action.method == "GET"

allow contains {"rule": "small"} if input.action.body.amount <= 100

hold contains {"rule": "pays", "reviewers": ["finance"]} if input.action.body.amount > 100
`;

const folder = tempFolder();
let postgres: PostgresServer;
let upstream: Upstream;
let one: DataPlane;
let two: DataPlane;

beforeAll(async () => {
  postgres = await startPostgres();
  upstream = await startUpstream();
  const start = (name: string) =>
    startDataPlane({
      systems: { payments: { upstream: upstream.url, wait: '60s' } },
      rego: { 'payments.rego': REGO },
      at: { url: postgres.url },
      key: join(folder.path, 'holds.key'),
      name,
    });
  one = await start('worker-0/1/one');
  two = await start('worker-0/1/two');
});

afterAll(async () => {
  await one?.close();
  await two?.close();
  await postgres?.stop();
  await upstream?.close();
  folder.remove();
});

function pay(plane: DataPlane, purpose: string, amount = 500, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(`${plane.url}/payments/pay`, {
    method: 'POST',
    body: JSON.stringify({ amount, purpose }),
    headers: {
      authorization: `Bearer ${TOKEN}`,
      'content-type': 'application/json',
      'agent-context': `task="${purpose}"`,
      ...headers,
    },
  });
}

async function holdFor(purpose: string): Promise<string> {
  const find = async () =>
    (await two.store.holds.list({ limit: 100 })).items.find(({ claims }) => claims.task === purpose)?.id;
  await expect.poll(find).toBeDefined();
  return (await find())!;
}

const sentFor = (purpose: string) => upstream.received.filter(({ body }) => body.includes(purpose)).length;
const waiting = async (plane: DataPlane) =>
  (await plane.registry.getSingleMetric('holdpoint_waiting_callers')?.get())?.values[0]?.value;

test('a hold opened on one gateway is decided on another, and sent once by the gateway that has a caller', async () => {
  const purpose = randomUUID();
  const callers = [pay(one, purpose), pay(two, purpose)];
  await expect.poll(async () => [await waiting(one), await waiting(two)]).toEqual([1, 1]);
  await approve(two.store, await holdFor(purpose));
  expect(await Promise.all(callers.map(async (answer) => (await answer).status))).toEqual([200, 200]);
  expect(sentFor(purpose)).toBe(1);
});

test('a rejection on one gateway reaches the caller of another', async () => {
  const purpose = randomUUID();
  const answer = pay(one, purpose);
  const id = await holdFor(purpose);
  await two.store.holds.apply(id, {
    type: 'reject',
    by: BEN,
    channel: 'api',
    revision: 1,
    code: 'not-now',
    note: null,
  });
  expect(await (await answer).json()).toMatchObject({ code: 'rejected', reviewer_code: 'not-now' });
});

test('an agent that is suspended on one gateway is refused by the other', async () => {
  const whom = { kind: 'agent', name: 'billing-bot', by: 'dora@example.com', channel: 'api', reason: null } as const;
  await one.store.suspensions.suspend(whom);
  await expect.poll(async () => (await pay(two, randomUUID(), 50)).status).toBe(403);
  await two.store.suspensions.resume('agent', 'billing-bot', 'dora@example.com', 'api');
  for (const plane of [one, two]) {
    await expect.poll(async () => (await pay(plane, randomUUID(), 50)).status).toBe(200);
  }
});

test('while the database is unavailable, callers wait, new holds are refused, and no unapproved call is sent', async () => {
  const [decided, undecided] = [randomUUID(), randomUUID()];
  const callers = [pay(one, decided), pay(one, undecided)];
  const ids = [await holdFor(decided), await holdFor(undecided)];
  await expect.poll(() => waiting(one)).toBe(2);
  await postgres.halt();
  const refused = await pay(two, randomUUID());
  expect(refused.status).toBe(503);
  expect(await refused.json()).toMatchObject({ code: 'store-unavailable' });
  expect((await pay(two, randomUUID(), 50)).status).toBe(200);
  expect(await waiting(one)).toBe(2);
  expect([sentFor(decided), sentFor(undecided)]).toEqual([0, 0]);

  await postgres.start();
  await expect
    .poll(async () => (await two.store.holds.find(ids[0]!).catch(() => null))?.status, { timeout: 60_000 })
    .toBe('pending');
  await approve(two.store, ids[0]!);
  expect((await callers[0]!).status).toBe(200);
  expect([sentFor(decided), sentFor(undecided)]).toEqual([1, 0]);
  await two.store.holds.apply(ids[1]!, {
    type: 'reject',
    by: BEN,
    channel: 'api',
    revision: 1,
    code: 'other',
    note: null,
  });
  expect((await callers[1]!).status).toBe(403);
});

test('a caller that waits too long while the database is unavailable is told to retry, with the last known state', async () => {
  const purpose = randomUUID();
  const caller = pay(one, purpose, 500, { prefer: 'wait=2' });
  const id = await holdFor(purpose);
  await postgres.halt();
  const answer = await caller;
  expect(answer.status).toBe(503);
  expect(await answer.json()).toMatchObject({ code: 'approval-pending', hold_id: id });
  await postgres.start();
  expect(sentFor(purpose)).toBe(0);
});
