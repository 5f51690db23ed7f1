import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeAll, expect, test } from 'vitest';
import type { Bundle } from '../../../gateway/domain/bundle.ts';
import { approve, startDataPlane, TOKEN, type DataPlane } from '../../helpers/data-plane.ts';
import { compileRego } from '../../helpers/policy.ts';
import { startUpstream, type Upstream } from '../../helpers/upstream.ts';
import { assertCall } from '../../../gateway/domain/hold.ts';

/** The example for policy authors, with a rule that allows every call that it does not hold. */
const example = [
  ...readFileSync(join(import.meta.dirname, '../../../policies/README.md'), 'utf8').matchAll(/```rego\n(.*?)```/gs),
]
  .map(([, rego]) => rego!)
  .find((rego) => rego.includes('"day-budget"'));

const allow = `
allow contains {"rule": "pay", "cost": {"amount": input.action.body.amount, "unit": "EUR"}} if input.action.method == "POST"

hold contains {"rule": "asked", "reviewers": ["finance"], "cost": {"amount": input.action.body.amount, "unit": "EUR"}} if {
	input.action.path == "/v1/asked"
}
`;

/** Blocks beyond the budget, so that an approval alone is not enough. */
const HELD_AND_LIMITED = `package rules.payments

cost := {"amount": input.action.body.amount, "unit": "EUR"}

spent := object.get(input.usage.agent.day.cost, "EUR", 0)

hold contains {"rule": "asked", "reviewers": ["finance"], "cost": cost}

block contains {"rule": "limit", "reason": "The budget is used up."} if spent + input.action.body.amount > 500
`;

const PATIENCE = { timeout: 60_000 };

let bundle: Bundle;
let upstream: Upstream;
let planes: DataPlane[] = [];

beforeAll(async () => {
  bundle = await compileRego({ 'payments.rego': `package rules.payments\n${example}\n${allow}` });
});
afterEach(async () => {
  await Promise.all(planes.map((plane) => plane.close()));
  planes = [];
  await upstream.close();
});

async function start(at?: { readonly file: string; readonly key: string }): Promise<DataPlane> {
  const plane = await startDataPlane({
    systems: { payments: { upstream: upstream.url, wait: '10s' } },
    rego: bundle,
    ...(at && { at: { file: at.file }, key: at.key, name: `worker-${planes.length}/1/test` }),
  });
  planes.push(plane);
  return plane;
}

async function pay(plane: DataPlane, amount: number, path = '/v1/payments'): Promise<number> {
  const answer = await fetch(`${plane.url}/payments${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json', prefer: 'wait=0' },
    body: JSON.stringify({ amount, nonce: Math.random() }),
  });
  await answer.body?.cancel();
  return answer.status;
}

test('a call that would exceed the daily budget is held, and its reason names what was spent', async () => {
  upstream = await startUpstream();
  const plane = await start();
  // Until the first exchange, no worker knows the counts of others.
  await expect.poll(() => pay(plane, 1), PATIENCE).toBe(200);
  expect(await pay(plane, 399)).toBe(200);
  expect(await pay(plane, 101)).toBe(503);
  expect(await pay(plane, 100)).toBe(200);
  expect(await pay(plane, 1)).toBe(503);
  const events = await plane.events();
  const held = events.findLast(({ type, verdict }) => type === 'call.decided' && verdict === 'hold');
  expect(held).toMatchObject({
    rules: ['rules.payments/day-budget', 'rules.payments/pay'],
    reason: 'billing-bot has spent 500 EUR today, of 500.',
  });
  expect(JSON.parse(held!.input!)).toMatchObject({ usage: { agent: { day: { cost: { EUR: 500 } } }, stale: false } });
  expect(upstream.received).toHaveLength(3);
});

test('a call that never reached the upstream is not spent', async () => {
  upstream = await startUpstream();
  const plane = await start();
  await expect.poll(() => pay(plane, 1), PATIENCE).toBe(200);
  await upstream.close();
  expect(await pay(plane, 499)).toBe(502);
  expect(await pay(plane, 499)).toBe(502);
});

test('workers on one store share the budget', async () => {
  upstream = await startUpstream();
  const first = await start();
  const file = join(first.config.data, 'holds.sqlite');
  const second = await start({ file, key: join(first.config.data, 'keys/holds.key') });
  await expect.poll(() => pay(first, 1), PATIENCE).toBe(200);
  expect(await pay(first, 449)).toBe(200);
  // This call exceeds the budget in any case; its reason shows what the second worker knows.
  const known = async () => {
    await pay(second, 501);
    return (await second.events()).findLast(({ type }) => type === 'call.decided')?.reason;
  };
  await expect.poll(known, PATIENCE).toBe('billing-bot has spent 450 EUR today, of 500.');
  expect(await pay(second, 51)).toBe(503);
  expect(await pay(second, 50)).toBe(200);
});

test('a held call counts toward the budget once it is released', async () => {
  upstream = await startUpstream();
  const plane = await start();
  await expect.poll(() => pay(plane, 1), PATIENCE).toBe(200);
  const waiting = fetch(`${plane.url}/payments/v1/asked`, {
    method: 'POST',
    headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' },
    body: JSON.stringify({ amount: 450 }),
  });
  const asked = async () =>
    (await plane.store.holds.list({ status: 'pending', limit: 10 })).items.find(
      (hold) => assertCall(hold).path === '/v1/asked',
    )?.id;
  await expect.poll(asked, PATIENCE).toBeDefined();
  const id = (await asked())!;
  expect(await pay(plane, 49)).toBe(200);
  await approve(plane.store, id);
  expect((await waiting).status).toBe(200);
  expect(await pay(plane, 1)).toBe(503);
});

test('of held calls that are approved at once, only as many are sent as the budget covers', async () => {
  upstream = await startUpstream();
  bundle = await compileRego({ 'payments.rego': HELD_AND_LIMITED });
  const first = await start();
  const file = join(first.config.data, 'holds.sqlite');
  const second = await start({ file, key: join(first.config.data, 'keys/holds.key') });
  const waiting = Array.from({ length: 10 }, (_, n) =>
    fetch(`${(n % 2 ? first : second).url}/payments/v1/asked`, {
      method: 'POST',
      headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' },
      body: JSON.stringify({ amount: 100, n }),
    }),
  );
  const held = async () => (await first.store.holds.list({ status: 'pending', limit: 20 })).items;
  await expect.poll(async () => (await held()).length, PATIENCE).toBe(10);
  await Promise.all((await held()).map(({ id }) => approve(first.store, id)));
  const answers = await Promise.all(waiting);
  expect(answers.map(({ status }) => status).toSorted()).toEqual([...Array(5).fill(200), ...Array(5).fill(403)]);
  expect(upstream.received).toHaveLength(5);
});
