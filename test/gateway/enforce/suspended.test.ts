import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { approve, OTHER_TOKEN, startDataPlane, TOKEN, type DataPlane } from '../../helpers/data-plane.ts';
import { startUpstream, type Upstream } from '../../helpers/upstream.ts';
import { META, modern } from '../../mcp/holding/messages.ts';

const REGO = `package rules.payments

allow contains {"rule": "reads"} if input.action.method == "GET"

hold contains {"rule": "pays", "reviewers": ["finance"]} if input.action.method == "POST"
`;

/** Decisions on its calls wait for the store. */
const BUDGET = `package rules.budget

allow contains {"rule": "few"} if input.usage.agent.minute.calls < 100
`;

let upstream: Upstream;
let plane: DataPlane;
/** Carries out the exchanges in which budgets are decided. */
let exchange = (work: () => Promise<number>): Promise<number> => work();
/** When the plane hears of holds that changed. */
let heard: Promise<void> = Promise.resolve();
/** What the system streams after its first bytes. */
let rest = Promise.resolve('');

beforeAll(async () => {
  upstream = await startUpstream(({ url }, response) => {
    if (!url.startsWith('/stream')) return response.writeHead(200).end('ok');
    response.writeHead(200, { 'content-type': 'text/plain' }).write('begun, ');
    void rest.then((text) => response.end(text));
  });
  const system = { upstream: upstream.url, wait: '20s' };
  plane = await startDataPlane({
    systems: { payments: system, mail: system, budget: system, ledger: { ...system, mcp: '/mcp' } },
    rego: {
      'ledger.rego': REGO.replace('rules.payments', 'rules.ledger'),
      'payments.rego': REGO,
      'mail.rego': REGO.replace('rules.payments', 'rules.mail'),
      'budget.rego': BUDGET,
    },
    through: (store) => ({
      ...store,
      holds: { ...store.holds, watch: (changed) => store.holds.watch((hold) => void heard.then(() => changed(hold))) },
      usage: { ...store.usage, exchange: (...of) => exchange(() => store.usage.exchange(...of)) },
    }),
  });
});

afterEach(async () => {
  for (const { kind, name } of await plane.store.suspensions.list()) {
    if (kind === 'everything') await plane.store.suspensions.lift('dora@example.com', 'api', 1);
    else await plane.store.suspensions.resume(kind, name, 'dora@example.com', 'api');
  }
  await plane.store.suspensions.refresh();
});

afterAll(async () => {
  await plane?.close();
  await upstream?.close();
});

/** Suspends as control does before it answers: every worker then knows. */
async function suspend(kind: 'agent' | 'system', name: string): Promise<void> {
  const by = 'dora@example.com';
  await plane.store.suspensions.suspend({ kind, name, by, channel: 'api', reason: 'it went mad' });
  await plane.store.suspensions.refresh();
}

function call(
  path: string,
  method = 'GET',
  token = TOKEN,
  body: object = { purpose: randomUUID() },
): Promise<Response> {
  return fetch(`${plane.url}${path}`, {
    method,
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    ...(method === 'POST' && { body: JSON.stringify(body) }),
  });
}

test('every call of a suspended agent is 403, recorded, and not sent', async () => {
  await suspend('agent', 'billing-bot');
  const before = upstream.received.length;
  for (const [path, method] of [
    ['/payments/items', 'GET'],
    ['/payments/pay', 'POST'],
    ['/mail/items', 'GET'],
  ] as const) {
    const answer = await call(path, method);
    expect(answer.status).toBe(403);
    expect(answer.headers.get('x-should-retry')).toBe('false');
    expect(await answer.json()).toMatchObject({
      code: 'suspended',
      detail: expect.stringContaining('the agent billing-bot is suspended'),
    });
  }
  expect(upstream.received.length).toBe(before);
  expect((await call('/payments/items', 'GET', OTHER_TOKEN)).status).toBe(200);
  const refused = async () => (await plane.events()).filter(({ code }) => code === 'suspended');
  await expect.poll(async () => (await refused()).length).toBe(3);
  expect((await refused())[0]).toMatchObject({ type: 'call.refused', agent: 'billing-bot', system: 'payments' });
});

test('no agent may call a suspended system, and other systems stay reachable', async () => {
  await suspend('system', 'payments');
  for (const token of [TOKEN, OTHER_TOKEN]) {
    const answer = await call('/payments/items', 'GET', token);
    expect(answer.status).toBe(403);
    expect(await answer.json()).toMatchObject({ code: 'suspended' });
  }
  expect((await call('/mail/items')).status).toBe(200);
});

test('an agent may call again once its suspension is lifted', async () => {
  await suspend('agent', 'billing-bot');
  await plane.store.suspensions.resume('agent', 'billing-bot', 'dora@example.com', 'api');
  await plane.store.suspensions.refresh();
  expect((await call('/payments/items')).status).toBe(200);
});

test('a waiting caller is told of its agent’s suspension, and its approved call is not sent', async () => {
  const waiting = call('/payments/pay', 'POST');
  await expect.poll(async () => (await plane.store.holds.list({ status: 'pending', limit: 10 })).items.length).toBe(1);
  const before = upstream.received.length;
  await suspend('agent', 'billing-bot');
  const answer = await waiting;
  expect(answer.status).toBe(403);
  expect(await answer.json()).toMatchObject({ code: 'superseded' });
  expect(upstream.received.length).toBe(before);
});

test('a caller that waits on a stream of MCP is told, too, even if the suspension is heard of before the end of its hold', async () => {
  const { path, method, headers, body } = modern('tools/call', { name: 'pay', arguments: {} }, META);
  const waiting = await fetch(`${plane.url}${path}`, {
    method: method!,
    headers: { ...headers, authorization: `Bearer ${TOKEN}` },
    body,
  });
  expect(waiting.headers.get('content-type')).toBe('text/event-stream');
  const late = Promise.withResolvers<void>();
  heard = late.promise;
  await suspend('agent', 'billing-bot');
  late.resolve();
  expect(await waiting.text()).toContain('"code":"superseded"');
});

test('a call that waits in the gateway while its agent is suspended is refused, and not sent', async () => {
  const [begun, go] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  exchange = async (work) => {
    begun.resolve();
    await go.promise;
    return work();
  };
  const before = upstream.received.length;
  const waiting = call('/budget/items');
  await begun.promise;
  await suspend('agent', 'billing-bot');
  go.resolve();
  const answer = await waiting;
  exchange = (work) => work();
  expect(answer.status).toBe(403);
  expect(await answer.json()).toMatchObject({ code: 'suspended' });
  expect(upstream.received.length).toBe(before);
});

test('the answer to an approved call is cut off when its agent is suspended, and its outcome is known all the same', async () => {
  const all = Promise.withResolvers<string>();
  rest = all.promise;
  const waiting = call('/payments/stream', 'POST');
  const pending = async () => (await plane.store.holds.list({ status: 'pending', limit: 10 })).items[0]?.id;
  await expect.poll(pending).toBeDefined();
  const id = (await pending())!;
  await approve(plane.store, id);
  const answer = await waiting;
  expect(answer.status).toBe(200);
  await suspend('agent', 'billing-bot');
  await expect(answer.text()).rejects.toThrow('terminated');
  all.resolve('ended');
  await expect.poll(async () => (await plane.store.holds.find(id))!.execution).toBe('executed');
  expect((await plane.store.contents.response(id))!.body.toString()).toBe('begun, ended');
  const ends = async () =>
    (await plane.events()).filter(({ type, hold_id }) => type === 'call.completed' && hold_id === id);
  await expect.poll(ends).toMatchObject([{ code: 'suspended' }]);
});

test('a suspended agent may read its own holds, but not open one', async () => {
  const opened = await call('/-/holds', 'POST', TOKEN, { task: 'T-1', summary: 'What now?' });
  expect(opened.status).toBe(202);
  const { hold_id } = (await opened.json()) as { hold_id: string };
  await suspend('agent', 'billing-bot');
  const again = await call('/-/holds', 'POST', TOKEN, { task: 'T-2', summary: 'And now?' });
  expect(again.status).toBe(403);
  expect(await again.json()).toMatchObject({ code: 'suspended' });
  expect((await call(`/-/holds/${hold_id}`)).status).toBe(200);
});

test('an approved call is superseded, not released, when its agent is suspended before the release', async () => {
  const purpose = randomUUID();
  const first = await fetch(`${plane.url}/payments/pay`, {
    method: 'POST',
    body: JSON.stringify({ purpose }),
    headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json', prefer: 'wait=0' },
  });
  const { hold_id } = (await first.json()) as { hold_id: string };
  await approve(plane.store, hold_id);
  await suspend('agent', 'billing-bot');
  expect(await plane.store.holds.find(hold_id)).toMatchObject({ status: 'superseded', execution: 'none' });
});
