import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { approve, OTHER_TOKEN, startDataPlane, TOKEN, type DataPlane } from '../../helpers/data-plane.ts';
import { startUpstream, type Upstream } from '../../helpers/upstream.ts';
import { META, modern } from '../../mcp/holding/messages.ts';

const REGO = `package rules.payments

allow contains {"rule": "reads"} if input.action.method == "GET"

hold contains {"rule": "pays", "reviewers": ["finance"]} if input.action.method == "POST"
`;

let upstream: Upstream;
let plane: DataPlane;
let endStream: () => void;

beforeAll(async () => {
  upstream = await startUpstream(({ url }, response) => {
    if (!url.startsWith('/stream')) return response.writeHead(200).end('ok');
    response.writeHead(200, { 'content-type': 'text/plain' }).write('begun, ');
    endStream = () => response.end('ended');
  });
  const system = { upstream: upstream.url, wait: '20s' };
  plane = await startDataPlane({
    systems: { payments: system, ledger: { ...system, mcp: '/mcp' } },
    rego: { 'payments.rego': REGO, 'ledger.rego': REGO.replace('rules.payments', 'rules.ledger') },
  });
});

afterEach(lift);

afterAll(async () => {
  await plane?.close();
  await upstream?.close();
});

/** As control does before it answers: every worker then knows. */
async function stop(): Promise<void> {
  await plane.store.suspensions.stop('dora@example.com', 'api', 'all went mad');
  await plane.store.suspensions.refresh();
}

async function lift(): Promise<void> {
  await plane.store.suspensions.lift('dora@example.com', 'api', 1);
  await plane.store.suspensions.refresh();
}

function call(path: string, method = 'GET', token = TOKEN, headers = {}): Promise<Response> {
  return fetch(`${plane.url}${path}`, {
    method,
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', ...headers },
    ...(method === 'POST' && { body: JSON.stringify({ purpose: randomUUID() }) }),
  });
}

const pending = async () => (await plane.store.holds.list({ status: 'pending', limit: 10 })).items.map(({ id }) => id);

test('while everything is stopped, every call of every agent is refused with a code of its own, recorded, and not sent', async () => {
  await stop();
  const before = upstream.received.length;
  for (const token of [TOKEN, OTHER_TOKEN]) {
    const answer = await call('/payments/items', 'GET', token);
    expect(answer.status).toBe(403);
    expect(answer.headers.get('x-should-retry')).toBe('false');
    expect(await answer.json()).toMatchObject({ code: 'stopped', detail: expect.stringContaining('Nothing was sent') });
  }
  expect(upstream.received.length).toBe(before);
  const refused = async () => (await plane.events()).filter(({ code }) => code === 'stopped');
  await expect.poll(async () => (await refused()).length).toBe(2);
  await lift();
  expect((await call('/payments/items')).status).toBe(200);
});

test('a model reads that its tool was not executed, and why', async () => {
  await stop();
  const { path, method, headers, body } = modern('tools/call', { name: 'pay', arguments: {} }, META);
  const answer = await fetch(`${plane.url}${path}`, {
    method: method!,
    headers: { ...headers, authorization: `Bearer ${TOKEN}` },
    body,
  });
  const text = await answer.text();
  expect(text).toContain('"isError":true');
  expect(text).toContain('The tool was not executed: an operator stopped the calls of all agents.');
});

test('an answer that is being streamed is cut off by the stop', async () => {
  const answer = await call('/payments/stream');
  expect(answer.status).toBe(200);
  await stop();
  endStream();
  await expect(answer.text()).rejects.toThrow('terminated');
});

test('a caller that waits for people goes on waiting, and gets its answer once the stop is lifted and its call approved', async () => {
  const before = upstream.received.length;
  const waiting = call('/payments/pay', 'POST');
  await expect.poll(pending).toHaveLength(1);
  const [id] = await pending();
  await stop();
  expect(await pending()).toEqual([id]);
  await lift();
  await approve(plane.store, id!);
  const answer = await waiting;
  expect([answer.status, await answer.text()]).toEqual([200, 'ok']);
  expect(upstream.received.length).toBe(before + 1);
});

test('a call that was approved before the stop is sent once after it', async () => {
  const before = upstream.received.length;
  const first = await call('/payments/pay', 'POST', TOKEN, { prefer: 'wait=0', 'idempotency-key': 'one' });
  const { hold_id } = (await first.json()) as { hold_id: string };
  await approve(plane.store, hold_id);
  await stop();
  expect(await plane.store.holds.find(hold_id)).toMatchObject({ status: 'approved', execution: 'none' });
  expect(upstream.received.length).toBe(before);
  await lift();
  const held = (await plane.store.contents.call(hold_id))!;
  const again = await fetch(`${plane.url}/payments/pay`, {
    method: 'POST',
    body: held.body,
    headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json', 'idempotency-key': 'one' },
  });
  expect([again.status, await again.text()]).toEqual([200, 'ok']);
  expect(upstream.received.length).toBe(before + 1);
});
