import { randomUUID } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { createEvaluator, type Evaluator } from '../../../gateway/decide/evaluator.ts';
import type { Store } from '../../../gateway/domain/store.ts';
import { Problem } from '../../../gateway/domain/problem.ts';
import { approve, BEN, startDataPlane, TOKEN, type DataPlane } from '../../helpers/data-plane.ts';
import { compileRego } from '../../helpers/policy.ts';
import { startUpstream, type Upstream } from '../../helpers/upstream.ts';
import { assertCall } from '../../../gateway/domain/hold.ts';

const HOLDS = `package rules.payments

hold contains {"rule": "all", "reviewers": ["finance"]}
`;

const ALLOWS = `package rules.payments

allow contains {"rule": "all"}
`;

let upstream: Upstream;
let plane: DataPlane;
let holds: Evaluator;
let allows: Evaluator;
/** Answers that the system owes. It sends them when the test says so. */
const owed: ServerResponse[] = [];
const away = { apply: false };
let asked = 0;

beforeAll(async () => {
  upstream = await startUpstream(({ url }, response) => {
    if (url.includes('/slow')) owed.push(response);
    else if (url.includes('/reset')) response.destroy();
    else response.writeHead(201).end('paid');
  });
  plane = await startDataPlane({
    systems: { payments: { upstream: upstream.url, wait: '30s' } },
    rego: { 'payments.rego': HOLDS },
    through: (store): Store => ({
      ...store,
      holds: {
        ...store.holds,
        async apply(...one) {
          asked += 1;
          if (away.apply) throw new Problem('store-unavailable');
          return store.holds.apply(...one);
        },
      },
    }),
  });
  holds = createEvaluator(await compileRego({ 'payments.rego': HOLDS }));
  allows = createEvaluator(await compileRego({ 'payments.rego': ALLOWS }));
});

afterEach(() => {
  plane.decider.swap(holds);
  away.apply = false;
});

afterAll(async () => {
  await plane?.close();
  await upstream?.close();
});

function pay(purpose: string, path = '/pay', headers: Record<string, string> = {}): Promise<Response> {
  return fetch(`${plane.url}/payments${path}`, {
    method: 'POST',
    body: JSON.stringify({ amount: 500, purpose }),
    headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json', ...headers },
  });
}

/** Holds the call without waiting. Returns the id of the hold. */
async function held(purpose: string, path?: string): Promise<string> {
  const answer = await pay(purpose, path, { prefer: 'wait=0' });
  expect(answer.status).toBe(503);
  return ((await answer.json()) as { hold_id: string }).hold_id;
}

const sentFor = (purpose: string) => upstream.received.filter(({ body }) => body.includes(purpose)).length;
const stateOf = async (id: string) => {
  const hold = await plane.store.holds.find(id);
  return [hold?.status, hold?.execution];
};

describe('a call that policy allows while the same call is held', () => {
  test('an allowed call is sent once: the open hold on the same call is superseded first and names the call', async () => {
    const purpose = randomUUID();
    const waiting = pay(purpose);
    await expect
      .poll(async () => (await plane.store.holds.list({ status: 'pending', limit: 10 })).items.length)
      .toBe(1);
    const [hold] = (await plane.store.holds.list({ status: 'pending', limit: 10 })).items;
    plane.decider.swap(allows);
    const answer = await pay(purpose);
    expect([answer.status, answer.headers.get('holdpoint-verdict')]).toEqual([201, 'allow']);
    expect(sentFor(purpose)).toBe(1);
    expect(await plane.store.holds.find(hold!.id)).toMatchObject({
      status: 'superseded',
      note: expect.stringMatching(/^policy allows it now; it was forwarded as call_[0-9a-f]{32}$/),
      policyRevision: assertCall(hold!).policyRevision,
    });
    const told = await waiting;
    expect(told.status).toBe(403);
    expect(await told.json()).toMatchObject({
      code: 'superseded',
      detail: expect.stringContaining('forwarded as call_'),
    });
  });

  test('an allowed call supersedes an approval that its caller has not collected, and is sent once', async () => {
    const purpose = randomUUID();
    const id = await held(purpose);
    await approve(plane.store, id);
    plane.decider.swap(allows);
    expect((await pay(purpose)).status).toBe(201);
    expect(await stateOf(id)).toEqual(['superseded', 'none']);
    expect(sentFor(purpose)).toBe(1);
  });

  test('an allowed call gets the answer of the same call that is already being released, and is not sent', async () => {
    const purpose = randomUUID();
    const first = pay(purpose, '/slow');
    await expect
      .poll(async () => (await plane.store.holds.list({ status: 'pending', limit: 10 })).items.length)
      .toBe(1);
    const [hold] = (await plane.store.holds.list({ status: 'pending', limit: 10 })).items;
    await approve(plane.store, hold!.id);
    await expect.poll(() => owed.length).toBe(1);
    plane.decider.swap(allows);
    const second = pay(purpose, '/slow');
    const waiting = async () =>
      (await plane.registry.getSingleMetric('holdpoint_waiting_callers')?.get())?.values[0]?.value;
    await expect.poll(waiting).toBe(1);
    owed.pop()!.writeHead(201).end('paid once');
    expect(await Promise.all([first, second].map(async (answer) => (await answer).text()))).toEqual([
      'paid once',
      'paid once',
    ]);
    expect(sentFor(purpose)).toBe(1);
  });

  test('an allowed call is not sent when the same call may have arrived, and its outcome is unknown', async () => {
    const purpose = randomUUID();
    const id = await held(purpose, '/reset');
    await approve(plane.store, id);
    expect((await pay(purpose, '/reset')).status).toBe(502);
    expect(await stateOf(id)).toEqual(['approved', 'indeterminate']);
    plane.decider.swap(allows);
    const answer = await pay(purpose, '/reset');
    expect(answer.status).toBe(409);
    expect(await answer.json()).toMatchObject({ code: 'outcome-unknown', hold_id: id });
    expect(sentFor(purpose)).toBe(1);
  });

  test('an allowed call is sent when a reviewer rejected the same call before', async () => {
    const purpose = randomUUID();
    const id = await held(purpose);
    const no = { type: 'reject', by: BEN, channel: 'api', revision: 1, code: 'other', note: null } as const;
    await plane.store.holds.apply(id, no);
    plane.decider.swap(allows);
    expect((await pay(purpose)).status).toBe(201);
    expect(await stateOf(id)).toEqual(['rejected', 'none']);
  });

  test('an allowed call is refused while the store is unavailable and the same call is held, and it is not sent', async () => {
    const purpose = randomUUID();
    const id = await held(purpose);
    plane.decider.swap(allows);
    away.apply = true;
    const answer = await pay(purpose);
    expect(answer.status).toBe(503);
    expect(await answer.json()).toMatchObject({ code: 'store-unavailable' });
    expect(sentFor(purpose)).toBe(0);
    expect(await stateOf(id)).toEqual(['pending', 'none']);
  });

  test('a hold does not affect other calls of the agent, and the store is not read for them', async () => {
    await held(randomUUID());
    plane.decider.swap(allows);
    const before = asked;
    expect((await pay(randomUUID())).status).toBe(201);
    expect((await fetch(`${plane.url}/payments/pay`, { headers: { authorization: `Bearer ${TOKEN}` } })).status).toBe(
      201,
    );
    expect(asked).toBe(before);
  });
});

test('a worker that starts later knows the open holds', async () => {
  const purpose = randomUUID();
  const id = await held(purpose);
  const file = `${plane.config.data}/holds.sqlite`;
  const later = await startDataPlane({
    systems: { payments: { upstream: upstream.url } },
    rego: { 'payments.rego': ALLOWS },
    at: { file },
    key: `${plane.config.data}/keys/holds.key`,
  });
  try {
    const answer = await fetch(`${later.url}/payments/pay`, {
      method: 'POST',
      body: JSON.stringify({ amount: 500, purpose }),
      headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' },
    });
    expect(answer.status).toBe(201);
    expect(await stateOf(id)).toEqual(['superseded', 'none']);
  } finally {
    await later.close();
  }
});
