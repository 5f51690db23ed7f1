import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createEvaluator } from '../../../gateway/decide/evaluator.ts';
import { isRefusal, type HoldCommand } from '../../../gateway/domain/hold-command.ts';
import type { CallHold } from '../../../gateway/domain/hold.ts';
import { ANSWER_KEPT } from '../../../gateway/holds/deadlines.ts';
import type { OwnedStore } from '../../../gateway/holds/store/store.ts';
import { approve, BEN, startDataPlane, type DataPlane } from '../../helpers/data-plane.ts';
import { tempFolder } from '../../helpers/folder.ts';
import { compileRego } from '../../helpers/policy.ts';
import { startUpstream, type Upstream } from '../../helpers/upstream.ts';
import { post, request } from '../speak.ts';
import { executeTool, REGO } from './messages.ts';

const ALLOWS = 'package rules.ledger\n\nallow contains {"rule": "all"}\n';

const folder = tempFolder();
const now = { skew: 0 };
/** Answers that the server withholds. */
const withheld: (() => void)[] = [];
/** Whether what was told reaches the store. */
const records = { told: true };
let upstream: Upstream;
let one: DataPlane;
let two: DataPlane;

beforeAll(async () => {
  upstream = await startUpstream((received, response) => {
    if (received.body.includes('cut off')) response.destroy();
    else if (received.body.includes('slow')) withheld.push(() => executeTool(received, response));
    else {
      if (received.body.includes('"initialize"')) response.setHeader('mcp-session-id', 'session-of-the-server');
      executeTool(received, response);
    }
  });
  const start = (name: string, through?: (store: OwnedStore) => OwnedStore) =>
    startDataPlane({
      systems: { ledger: { upstream: upstream.url, mcp: '/mcp', wait: '20s' } },
      rego: { 'ledger.rego': REGO },
      at: { file: join(folder.path, 'holds.sqlite') },
      key: join(folder.path, 'holds.key'),
      clock: () => Date.now() + now.skew,
      name,
      ...(through && { through }),
    });
  one = await start('worker-0/1/one', (store) => ({
    ...store,
    holds: {
      ...store.holds,
      apply: (id, command) =>
        command.type === 'told' && !records.told ? new Promise(() => {}) : store.holds.apply(id, command),
    },
  }));
  two = await start('worker-1/2/two');
});
afterAll(async () => {
  await one?.close();
  await two?.close();
  await upstream?.close();
  folder.remove();
});

const url = (plane: DataPlane) => `${plane.url}/ledger/mcp`;
const refund = (args: object, id: number | string = 1) =>
  request(id, 'tools/call', { name: 'refund', arguments: { amount: 900, ...args } });

type Result = {
  readonly isError?: boolean;
  readonly content: readonly [{ readonly text: string }];
  readonly _meta?: { readonly 'holdpoint/decision': { readonly code: string; readonly outcome?: object } };
};

/** One call, to its end. */
async function call(plane: DataPlane, args: object, id?: number | string): Promise<Result> {
  const text = await (await post(url(plane), refund(args, id))).text();
  const data = text.split('\n').findLast((line) => line.startsWith('data: '));
  return (JSON.parse(data?.slice(6) ?? text) as { result: Result }).result;
}

const codeOf = (result: Result) => result._meta?.['holdpoint/decision'].code;
const executed = (note: string) => upstream.received.filter(({ body }) => body.includes(`"note":"${note}"`)).length;

/** The newest hold, once it is undecided. */
async function pending(): Promise<string> {
  let id: string | undefined;
  await expect
    .poll(async () => {
      const { items } = await one.store.holds.list({ status: 'pending', limit: 1 });
      ({ id } = items[0] ?? {});
      return id;
    })
    .toBeDefined();
  return id!;
}

const find = async (id: string) => (await one.store.holds.find(id)) as CallHold;

async function apply(id: string, command: HoldCommand): Promise<void> {
  const result = await one.store.holds.apply(id, command);
  if (isRefusal(result)) throw new Error(result.detail);
}

/** A call whose caller leaves while people decide. */
async function left(note: string): Promise<string> {
  const leaves = new AbortController();
  const lost = post(url(one), refund({ note }), { signal: leaves.signal })
    .then((response) => response.text())
    .catch((error: unknown) => error);
  const id = await pending();
  leaves.abort();
  await lost;
  const waiting = async () => (await one.registry.getSingleMetric('holdpoint_waiting_callers')!.get()).values[0]?.value;
  await expect.poll(waiting).toBe(0);
  return id;
}

/** A call whose caller leaves after it was sent, and before it is answered. */
async function missed(note: string): Promise<string> {
  const leaves = new AbortController();
  const lost = post(url(one), refund({ note }), { signal: leaves.signal })
    .then((response) => response.text())
    .catch((error: unknown) => error);
  const id = await pending();
  await approve(one.store, id);
  await expect.poll(() => withheld.length).toBe(1);
  leaves.abort();
  await lost;
  withheld.pop()!();
  await expect.poll(async () => await find(id)).toMatchObject({ execution: 'executed', owed: { by: null } });
  return id;
}

test('a result that its caller missed answers the next identical call, once, at another worker', async () => {
  const id = await missed('slow, missed');
  expect(await call(two, { note: 'slow, missed' }, 'another id')).toMatchObject({
    content: [{ text: 'tools/call refund {"amount":900,"note":"slow, missed"}' }],
  });
  expect(executed('slow, missed')).toBe(1);

  const anew = call(one, { note: 'slow, missed' });
  expect(await pending()).not.toBe(id);
  await approve(one.store, await pending());
  await expect.poll(() => withheld.length).toBe(1);
  withheld.pop()!();
  await anew;
  expect(executed('slow, missed')).toBe(2);
});

test('a result that was delivered answers no further call: the same call asks people again', async () => {
  for (const [index, plane] of [one, two, one, two, one].entries()) {
    const result = call(plane, { note: 'delivered' });
    await approve(one.store, await pending());
    expect(codeOf(await result)).toBeUndefined();
    expect(executed('delivered')).toBe(index + 1);
  }
});

test('a client that cancels a call while it is executed gets its result with the same call later', async () => {
  const opened = await post(url(one), request(0, 'initialize', {}));
  await opened.text();
  const headers = { 'mcp-session-id': opened.headers.get('mcp-session-id')! };
  const answer = post(url(one), refund({ note: 'slow, cancelled' }, 'c1'), { headers });
  const id = await pending();
  await approve(one.store, id);
  await expect.poll(() => withheld.length).toBe(1);
  await post(url(one), { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 'c1' } }, { headers });
  withheld.pop()!();
  await (await answer).text();
  await expect.poll(async () => (await find(id)).owed).toMatchObject({ by: null });
  expect((await call(two, { note: 'slow, cancelled' })).content[0].text).toContain('slow, cancelled');
  expect(executed('slow, cancelled')).toBe(1);
});

test('a result is given once more if the worker ended before it recorded the delivery, and is not executed again', async () => {
  records.told = false;
  const result = call(one, { note: 'crash' });
  const id = await pending();
  await approve(one.store, id);
  await result;
  expect(await find(id)).toMatchObject({ execution: 'executed', owed: { by: 'worker-0/1/one' } });
  const again = call(two, { note: 'crash' });
  await two.store.senders.end((sender) => sender === 'worker-0/1/one');
  expect((await again).content[0].text).toContain('crash');
  expect(executed('crash')).toBe(1);
  await expect.poll(async () => (await find(id)).owed).toBeNull();
  records.told = true;
  await one.store.senders.join('worker-0/1/one');
});

test('a missed result is kept for a day, then the same call asks people again', async () => {
  await missed('slow, old');
  now.skew += ANSWER_KEPT;
  const anew = call(two, { note: 'slow, old' });
  const id = await pending();
  await apply(id, { type: 'reject', by: BEN, channel: 'api', revision: 1, code: 'other', note: null });
  expect(codeOf(await anew)).toBe('rejected');
  expect(executed('slow, old')).toBe(1);
});

test('a missed result answers the same call although policy allows it now', async () => {
  await missed('slow, allowed');
  two.decider.swap(createEvaluator(await compileRego({ 'ledger.rego': ALLOWS }), {}));
  expect((await call(two, { note: 'slow, allowed' })).content[0].text).toContain('slow, allowed');
  two.decider.swap(createEvaluator(await compileRego({ 'ledger.rego': REGO }), {}));
  expect(executed('slow, allowed')).toBe(1);
});

test('a caller that left before its call expired is told so once, and then asks again', async () => {
  const id = await left('expires');
  now.skew += 2 * 24 * 3_600_000;
  await apply(id, { type: 'expire' });
  expect(codeOf(await call(two, { note: 'expires' }))).toBe('expired');
  const anew = call(two, { note: 'expires' });
  expect(await pending()).not.toBe(id);
  await approve(one.store, await pending());
  expect(codeOf(await anew)).toBeUndefined();
  expect(executed('expires')).toBe(1);
});

test('an approval that no caller collected lapses, and the same call asks people again', async () => {
  const id = await left('lapses');
  const { redeemBy } = await approve(one.store, id);
  now.skew = redeemBy! - Date.now() + 1000;
  const anew = call(two, { note: 'lapses' });
  expect(await pending()).not.toBe(id);
  expect(await find(id)).toMatchObject({ status: 'lapsed', execution: 'none' });
  await approve(one.store, await pending());
  expect(codeOf(await anew)).toBeUndefined();
  expect(executed('lapses')).toBe(1);
});

test('a caller that left before a person took its call over is told that, and once the outcome, before it asks again', async () => {
  const id = await left('taken over');
  const by = { by: BEN, channel: 'api', revision: 1 } as const;
  await apply(id, { type: 'take-over', ...by, note: 'I call them' });
  for (const plane of [one, two]) {
    const told = await call(plane, { note: 'taken over' });
    expect(told).toMatchObject({ isError: true, content: [{ text: expect.stringContaining('I call them') }] });
    expect(codeOf(told)).toBe('taken-over');
  }
  await apply(id, { type: 'outcome', ...by, result: 'executed', reference: 're_7', note: null });
  expect((await call(two, { note: 'taken over' }))._meta).toMatchObject({
    'holdpoint/decision': { code: 'taken-over', outcome: { result: 'executed', reference: 're_7' } },
  });
  const anew = call(two, { note: 'taken over' });
  expect(await pending()).not.toBe(id);
  await apply(await pending(), { type: 'reject', ...by, code: 'other', note: null });
  await anew;
  expect(executed('taken over')).toBe(0);
});

test('a call of unknown outcome is told so until a person finds out, and then what the person found out', async () => {
  const result = call(one, { note: 'cut off' });
  const id = await pending();
  await approve(one.store, id);
  expect(codeOf(await result)).toBe('upstream-failed');
  expect(codeOf(await call(two, { note: 'cut off' }))).toBe('outcome-unknown');
  const by = { by: BEN, channel: 'api', revision: 1 } as const;
  await apply(id, { type: 'outcome', ...by, result: 'executed', reference: 're_8', note: null });
  expect(await call(two, { note: 'cut off' })).toMatchObject({
    isError: true,
    _meta: { 'holdpoint/decision': { code: 'already-executed', outcome: { reference: 're_8' } } },
  });
  expect(executed('cut off')).toBe(1);
  const anew = call(two, { note: 'cut off' });
  await apply(await pending(), { type: 'reject', ...by, code: 'other', note: null });
  expect(codeOf(await anew)).toBe('rejected');
});
