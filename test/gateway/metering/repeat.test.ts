import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import type { Bundle } from '../../../gateway/domain/bundle.ts';
import { createEvaluator } from '../../../gateway/decide/evaluator.ts';
import { approve, startDataPlane, TOKEN, type DataPlane } from '../../helpers/data-plane.ts';
import { compileRego } from '../../helpers/policy.ts';
import { startUpstream, type Upstream } from '../../helpers/upstream.ts';

/** The example for policy authors. */
const example = [
  ...readFileSync(join(import.meta.dirname, '../../../policies/README.md'), 'utf8').matchAll(/```rego\n(.*?)```/gs),
]
  .map(([, rego]) => rego!)
  .find((rego) => rego.includes('"repeated-payment"'));

const RULES = `package rules.payments

${example}

allow contains {"rule": "pay"}

hold contains {"rule": "asked"} if input.action.path == "/v1/asked"

block contains {"rule": "look"} if input.context.task == "look"
`;

const PATIENCE = { timeout: 20_000 };

let bundle: Bundle;
let upstream: Upstream;
let planes: DataPlane[] = [];
let keys = 0;

beforeAll(async () => {
  bundle = await compileRego({
    'payments.rego': RULES,
    'crm.rego': 'package rules.crm\n\nallow contains {"rule": "any"}\n',
  });
});
beforeEach(async () => {
  upstream = await startUpstream();
});
afterEach(async () => {
  await Promise.all(planes.map((plane) => plane.close()));
  planes = [];
  await upstream.close();
});

async function start(at?: { readonly file: string; readonly key: string }): Promise<DataPlane> {
  const plane = await startDataPlane({
    systems: { payments: { upstream: upstream.url, wait: '10s' }, crm: { upstream: upstream.url } },
    rego: bundle,
    ...(at && { at: { file: at.file }, key: at.key, name: `worker-${planes.length}/1/test` }),
  });
  planes.push(plane);
  return plane;
}

/** A payment with an idempotency key of its own. */
function send(plane: DataPlane, amount: number, path: string, headers: Record<string, string>): Promise<Response> {
  return fetch(plane.url + path, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${TOKEN}`,
      'content-type': 'application/json',
      'idempotency-key': `key-${keys++}`,
      ...headers,
    },
    body: JSON.stringify({ amount }),
  });
}

async function pay(plane: DataPlane, amount: number, path = '/payments/v1/payments'): Promise<number> {
  const answer = await send(plane, amount, path, { prefer: 'wait=0' });
  await answer.body?.cancel();
  return answer.status;
}

type Repeat = { readonly count: number; readonly age_s?: number };

async function lastRepeat(plane: DataPlane): Promise<Repeat | undefined> {
  const decided = (await plane.events()).findLast(({ type }) => type === 'call.decided');
  return (JSON.parse(decided!.input!) as { action: { repeat?: Repeat } }).action.repeat;
}

/** What a plane knows of a payment, by one that is blocked: an agent's claims are no part of what is identical. */
async function look(plane: DataPlane, amount: number, path = '/payments/v1/payments'): Promise<Repeat | undefined> {
  const answer = await send(plane, amount, path, { 'agent-context': 'task="look"' });
  expect(answer.status).toBe(403);
  await answer.body?.cancel();
  return lastRepeat(plane);
}

test('an allowed payment that is repeated with a fresh Idempotency-Key is held, and only the first one is sent', async () => {
  const plane = await start();
  expect(await pay(plane, 7)).toBe(200);
  expect(await lastRepeat(plane)).toEqual({ count: 0 });
  expect(await pay(plane, 8)).toBe(200);
  expect(await pay(plane, 7)).toBe(503);
  const held = (await plane.events()).findLast(({ type }) => type === 'call.decided');
  expect(held).toMatchObject({
    rules: ['rules.payments/repeated-payment', 'rules.payments/pay'],
    reason: expect.stringMatching(/^The same payment was sent \d+ seconds ago\.$/),
  });
  expect(upstream.received.map(({ body }) => body.toString())).toEqual(['{"amount":7}', '{"amount":8}']);
});

test('a worker knows of a payment that another worker on the same store sent', async () => {
  const first = await start();
  const file = join(first.config.data, 'holds.sqlite');
  const second = await start({ file, key: join(first.config.data, 'keys/holds.key') });
  expect(await pay(first, 7)).toBe(200);
  await expect.poll(() => look(second, 7), PATIENCE).toMatchObject({ count: 1 });
  expect(await pay(second, 7)).toBe(503);
  expect(upstream.received).toHaveLength(1);
});

test('a held payment counts once it is released', async () => {
  const plane = await start();
  const path = '/payments/v1/asked';
  const waiting = send(plane, 7, path, {});
  const pending = async () => (await plane.store.holds.list({ status: 'pending', limit: 10 })).items[0]?.id;
  await expect.poll(pending, PATIENCE).toBeDefined();
  expect(await look(plane, 7, path)).toEqual({ count: 0 });
  await approve(plane.store, (await pending())!);
  expect((await waiting).status).toBe(200);
  expect(await look(plane, 7, path)).toMatchObject({ count: 1 });
});

test('calls of a system with no rule on repeats are not counted, and their input does not tell', async () => {
  const { readsRepeat } = createEvaluator(bundle);
  expect([readsRepeat('payments'), readsRepeat('crm'), readsRepeat('other'), readsRepeat(null)]).toEqual([
    true,
    false,
    false,
    true,
  ]);
  const plane = await start();
  for (let n = 0; n < 2; n++) expect(await pay(plane, 7, '/crm/v1/deals')).toBe(200);
  expect(await lastRepeat(plane)).toBeUndefined();
  await plane.close();
  planes = [];
});
