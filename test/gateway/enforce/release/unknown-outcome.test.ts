import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { createEvaluator, type Evaluator } from '../../../../gateway/decide/evaluator.ts';
import { assertCall, type CallHold } from '../../../../gateway/domain/hold.ts';
import type { Store } from '../../../../gateway/domain/store.ts';
import { Problem } from '../../../../gateway/domain/problem.ts';
import type { System } from '../../../../gateway/domain/system.ts';
import { createForwarder, type Forwarder } from '../../../../gateway/enforce/forwarder.ts';
import { settleAbandoned } from '../../../../gateway/enforce/release/abandoned.ts';
import { createOutcomes } from '../../../../gateway/enforce/release/outcomes.ts';
import { createReadBacks } from '../../../../gateway/enforce/release/read-back.ts';
import { createReleaser, type Releaser } from '../../../../gateway/enforce/release/release.ts';
import { createResends } from '../../../../gateway/enforce/release/resend.ts';
import type { HoldPoller } from '../../../../gateway/enforce/release/hold-poller.ts';
import { createDigest } from '../../../../gateway/holds/binding.ts';
import { idleMeter, judgeBy } from '../../../helpers/meter.ts';
import { approve, BEN, startDataPlane, TOKEN, type DataPlane } from '../../../helpers/data-plane.ts';
import { compileRego } from '../../../helpers/policy.ts';
import { startUpstream, type Received, type Upstream } from '../../../helpers/upstream.ts';

const HOLDS = (system: string) => `package rules.${system}

hold contains {"rule": "all", "reviewers": ["finance"]}
`;
const BLOCKS = `package rules.ledger

block contains {"rule": "frozen", "reason": "frozen"}
`;

let upstream: Upstream;
let plane: DataPlane;
let forwarder: Forwarder;
let releaser: Releaser;
let resends: HoldPoller;
let readBacks: HoldPoller;
let holds: Evaluator;
const now = { skew: 0 };
const clock = () => Date.now() + now.skew;
/** The fates of the next calls, in order. Later calls are answered with 201. */
const fates: ('reset' | 'slow')[] = [];
/** The system's answers when a call is read back. */
let known = 404;
const suspension = { reason: null as string | null };
const away = { apply: 0 };
const failures: unknown[] = [];

function respond({ method }: Received, response: ServerResponse, request: IncomingMessage): void {
  if (method === 'GET') {
    response.writeHead(known).end();
    return;
  }
  const fate = fates.shift();
  if (fate === 'reset') request.socket.destroy();
  else if (fate !== 'slow') response.writeHead(201).end('booked');
}

/** The store. It is unavailable for so many of these commands. */
const through = (store: Store): Store => ({
  ...store,
  holds: {
    ...store.holds,
    async apply(id, command) {
      if (['executed', 'indeterminate', 'failed'].includes(command.type) && away.apply > 0) {
        away.apply -= 1;
        throw new Problem('store-unavailable');
      }
      return store.holds.apply(id, command);
    },
  },
});

beforeAll(async () => {
  upstream = await startUpstream(respond);
  const credential = { header: 'authorization', value: 'Bearer key' };
  plane = await startDataPlane({
    systems: {
      ledger: { upstream: upstream.url, wait: '20s', timeout: '300ms', credential, idempotent: true },
      bank: {
        upstream: upstream.url,
        wait: '20s',
        credential,
        read_back: [
          { operations: ['DELETE /bookings/{id}'], path: '{path}', executed: [404], not_executed: [200] },
          { path: '/requests/{idempotency_key}?full=1' },
        ],
      },
    },
    rego: { 'ledger.rego': HOLDS('ledger'), 'bank.rego': HOLDS('bank') },
    clock,
    through,
  });
  holds = createEvaluator(await compileRego({ 'ledger.rego': HOLDS('ledger'), 'bank.rego': HOLDS('bank') }), { clock });
  const systems = new Map<string, System>(plane.config.systems.map((system) => [system.name, system]));
  forwarder = createForwarder(plane.config.systems);
  const store = through(plane.store);
  const failed = (error: unknown) => failures.push(error);
  releaser = createReleaser({
    messages: { through: (_call, answer) => answer },
    holds: store.holds,
    contents: store.contents,
    senders: store.senders,
    judge: judgeBy((input) => plane.decider.decide(input)),
    forwarder,
    outcomes: createOutcomes(store.holds, () => {}),
    meter: idleMeter,
    released: () => {},
    digest: createDigest(systems),
    systems,
    isStopped: () => false,
    whyNotPermitted: () => suspension.reason,
    by: 'control/1/test',
    clock,
  });
  resends = createResends({ holds: store.holds, releaser, clock, failed });
  readBacks = createReadBacks({ holds: store.holds, forwarder, systems, clock, failed });
});

afterEach(() => {
  expect(failures.splice(0)).toEqual([]);
  plane.decider.swap(holds);
  suspension.reason = null;
  fates.splice(0);
});

afterAll(async () => {
  await forwarder?.close();
  await plane?.close();
  await upstream?.close();
});

function call(system: string, purpose: string, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(`${plane.url}/${system}/book`, {
    method: 'POST',
    body: JSON.stringify({ purpose }),
    headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json', ...headers },
  });
}

async function holdFor(callId: string): Promise<CallHold> {
  const find = async () =>
    (await plane.store.holds.list({ limit: 200 })).items.find((hold) => hold.claims.task === callId);
  await expect.poll(find).toBeDefined();
  return assertCall((await find())!);
}

/** A call with a waiting caller. Resolves when the call is approved. */
async function approved(system: string, headers: Record<string, string> = {}) {
  const purpose = randomUUID();
  const answer = call(system, purpose, { 'agent-context': `task="${purpose}"`, ...headers });
  const { id } = await holdFor(purpose);
  await approve(plane.store, id);
  return { id, purpose, answer };
}

const sentFor = (purpose: string) => upstream.received.filter(({ body }) => body.includes(purpose));
const stateOf = async (id: string) => {
  const { execution, resendAt, attempt } = assertCall((await plane.store.holds.find(id))!);
  return { execution, again: resendAt !== null, attempts: attempt?.number };
};

/** A call to `bank` that was reset, so that its outcome is unknown. */
async function lost(headers: Record<string, string> = {}) {
  fates.push('reset');
  const { id, purpose, answer } = await approved('bank', headers);
  expect((await answer).status).toBe(502);
  expect(await stateOf(id)).toEqual({ execution: 'indeterminate', again: false, attempts: 1 });
  return { id, purpose };
}

describe('a call of unknown outcome to a system that is declared idempotent', () => {
  test('a call of unknown outcome is sent again with the same key and bytes while its caller waits', async () => {
    fates.push('reset');
    const { id, purpose, answer } = await approved('ledger');
    await expect.poll(() => stateOf(id)).toEqual({ execution: 'indeterminate', again: true, attempts: 1 });
    await resends.tick();
    expect(sentFor(purpose)).toHaveLength(1);
    now.skew += 1_000;
    await resends.tick();
    expect(await stateOf(id)).toEqual({ execution: 'executed', again: false, attempts: 2 });
    expect([(await answer).status, await (await answer).text()]).toEqual([201, 'booked']);
    const [first, second] = sentFor(purpose);
    expect(second!.headers['idempotency-key']).toBe(first!.headers['idempotency-key']);
    expect(second!.body).toEqual(first!.body);
  });

  test('a call that timed out is sent again with the agent’s own key', async () => {
    fates.push('slow');
    const key = randomUUID();
    const { id, purpose, answer } = await approved('ledger', { 'idempotency-key': key });
    await expect.poll(() => stateOf(id)).toMatchObject({ execution: 'indeterminate', again: true });
    now.skew += 1_000;
    await resends.tick();
    expect((await answer).status).toBe(201);
    expect(sentFor(purpose).map(({ headers }) => headers['idempotency-key'])).toEqual([key, key]);
    expect(assertCall((await plane.store.holds.find(id))!).attempt!.key).toBe(key);
  });

  test('a call of unknown outcome is left to people after five attempts, with a wait that doubles', async () => {
    fates.push('reset', 'reset', 'reset', 'reset', 'reset');
    const { id, purpose, answer } = await approved('ledger');
    for (const [attempts, wait] of [1_000, 2_000, 4_000, 8_000].entries()) {
      await expect.poll(() => stateOf(id)).toEqual({ execution: 'indeterminate', again: true, attempts: attempts + 1 });
      now.skew += wait - 500;
      await resends.tick();
      expect(sentFor(purpose)).toHaveLength(attempts + 1);
      now.skew += 500;
      await resends.tick();
    }
    expect(await stateOf(id)).toEqual({ execution: 'indeterminate', again: false, attempts: 5 });
    expect(await (await answer).json()).toMatchObject({ code: 'outcome-unknown' });
    expect(sentFor(purpose)).toHaveLength(5);
  });

  test('an outcome stays unknown when a later attempt could not be sent, as the first may have arrived', async () => {
    fates.push('reset');
    const { id } = await approved('ledger');
    await expect.poll(() => stateOf(id)).toMatchObject({ again: true });
    const elsewhere = new Map([['ledger', { ...plane.config.systems[0]!, upstream: new URL('http://127.0.0.1:1') }]]);
    const nowhere = createForwarder([...elsewhere.values()]);
    const outcomes = createOutcomes(plane.store.holds, () => {});
    const unreachable = createReleaser({
      messages: { through: (_call, answer) => answer },
      holds: plane.store.holds,
      contents: plane.store.contents,
      senders: plane.store.senders,
      judge: judgeBy((input) => plane.decider.decide(input)),
      forwarder: nowhere,
      outcomes,
      meter: idleMeter,
      released: () => {},
      digest: createDigest(elsewhere),
      systems: elsewhere,
      isStopped: () => false,
      whyNotPermitted: () => null,
      by: 'control/2/test',
      clock,
    });
    now.skew += 1_000;
    await unreachable.resend(assertCall((await plane.store.holds.find(id))!));
    await nowhere.close();
    expect(await stateOf(id)).toEqual({ execution: 'indeterminate', again: true, attempts: 2 });
    now.skew += 2_000;
    await resends.tick();
    expect(await stateOf(id)).toMatchObject({ execution: 'executed', attempts: 3 });
  });

  test.each([
    ['policy blocks it now', async () => plane.decider.swap(createEvaluator(await compileRego({ 'l.rego': BLOCKS })))],
    ['its agent is suspended', async () => void (suspension.reason = 'the agent billing-bot is suspended')],
    ['the system may have forgotten its key', async () => void (now.skew += 2 * 3_600_000)],
  ])('a call of unknown outcome is left to people when %s', async (_why, happens) => {
    fates.push('reset');
    const { id, purpose } = await approved('ledger');
    await expect.poll(() => stateOf(id)).toMatchObject({ again: true });
    await happens();
    now.skew += 1_000;
    await resends.tick();
    expect(await stateOf(id)).toEqual({ execution: 'indeterminate', again: false, attempts: 1 });
    expect(sentFor(purpose)).toHaveLength(1);
  });

  test('a call is sent again after its process died, and a call to a system that is not idempotent is not', async () => {
    const ids: string[] = [];
    for (const system of ['ledger', 'bank']) {
      const purpose = randomUUID();
      await call(system, purpose, { prefer: 'wait=0', 'agent-context': `task="${purpose}"` });
      const { id } = await holdFor(purpose);
      await approve(plane.store, id);
      const release = { attempt: `att_${purpose}`, by: 'worker-9/1/dead', key: purpose, policyRevision: '' };
      await plane.store.holds.apply(id, { type: 'release', ...release });
      ids.push(id);
    }
    const systems = new Map(plane.config.systems.map((system) => [system.name, system]));
    const ended = (name: string) => name === 'worker-9/1/dead';
    expect(await settleAbandoned({ holds: plane.store.holds, systems, ended, clock })).toBe(2);
    now.skew += 1_000;
    await resends.tick();
    expect(await Promise.all(ids.map(stateOf))).toEqual([
      { execution: 'executed', again: false, attempts: 2 },
      { execution: 'indeterminate', again: false, attempts: 1 },
    ]);
  });
});

describe('a call of unknown outcome to a system with read_back', () => {
  test('a call is confirmed as executed as soon as the system knows it', async () => {
    const { id } = await lost();
    const key = assertCall((await plane.store.holds.find(id))!).attempt!.key;
    known = 200;
    await readBacks.tick();
    expect(await stateOf(id)).toMatchObject({ execution: 'indeterminate' });
    now.skew += 5_000;
    await readBacks.tick();
    expect(await plane.store.holds.find(id)).toMatchObject({
      execution: 'confirmed-executed',
      outcome: {
        result: 'executed',
        by: 'read-back',
        note: expect.stringContaining(`GET /requests/${key}?full=1 answered 200`),
      },
    });
    expect(upstream.received.at(-1)).toMatchObject({ method: 'GET', url: `/requests/${key}?full=1` });
    expect(upstream.received.at(-1)!.headers.authorization).toBe('Bearer key');
  });

  test('a call is confirmed as not executed only by two looks in a row, each at least a minute after it was sent', async () => {
    const { id, purpose } = await lost();
    const looks = () => upstream.received.filter(({ url }) => url.startsWith('/requests/')).length;
    const look = async (later: number, says: number) => {
      known = says;
      now.skew += later;
      const before = looks();
      await readBacks.tick();
      expect(looks()).toBe(before + 1);
      return (await plane.store.holds.find(id))!.execution;
    };
    expect(await look(5_000, 404)).toBe('indeterminate');
    expect(await look(30_000, 404)).toBe('indeterminate');
    expect(await look(30_000, 404)).toBe('indeterminate');
    expect(await look(600_000, 503)).toBe('indeterminate');
    expect(await look(600_000, 404)).toBe('indeterminate');
    expect(await look(600_000, 404)).toBe('confirmed-not');
    expect(await plane.store.holds.find(id)).toMatchObject({ outcome: { result: 'not-executed', by: 'read-back' } });
    expect(sentFor(purpose)).toHaveLength(1);
  });

  test('a call is not read back before the next look is due, nor after a person reported its outcome', async () => {
    const { id } = await lost();
    known = 404;
    now.skew += 5_000;
    await readBacks.tick();
    const before = upstream.received.length;
    await readBacks.tick();
    const { revision } = (await plane.store.holds.find(id))!;
    const said = { result: 'executed', reference: 'tx-1', note: null } as const;
    await plane.store.holds.apply(id, { type: 'outcome', by: BEN, channel: 'api', revision, ...said });
    now.skew += 600_000;
    await readBacks.tick();
    expect(upstream.received.length).toBe(before);
    expect(await stateOf(id)).toMatchObject({ execution: 'confirmed-executed' });
  });

  test.each(['.', '..', 'a/../../b', '..\\x', '..;x', '%2e%2e'])(
    'the Idempotency-Key %j, which could lead the probe to another path, is left to people who are told why',
    async (key) => {
      const { id } = await lost({ 'idempotency-key': key });
      known = 200;
      const before = upstream.received.length;
      for (const wait of [5_000, 600_000]) {
        now.skew += wait;
        await readBacks.tick();
      }
      expect(upstream.received.length).toBe(before);
      expect(await stateOf(id)).toMatchObject({ execution: 'indeterminate' });
      const told = (await plane.store.outbox.read(0, 100_000))
        .map(({ event }) => event)
        .filter(({ hold_id, type }) => hold_id === id && type === 'hold.indeterminate');
      expect(told.map(({ reason }) => reason)).toEqual([
        expect.any(String),
        expect.stringContaining('would change the path of read_back'),
      ]);
    },
  );

  test('an Idempotency-Key with spaces, quotes and a question mark is one segment of the probe’s path', async () => {
    const { id } = await lost({ 'idempotency-key': 'a b?c"#..' });
    known = 200;
    now.skew += 5_000;
    await readBacks.tick();
    expect(upstream.received.at(-1)!.url).toBe('/requests/a%20b%3Fc%22%23..?full=1');
    expect(await stateOf(id)).toMatchObject({ execution: 'confirmed-executed' });
  });

  test('a deletion is read back at its own path, by the entry that names its operation', async () => {
    const booking = randomUUID();
    fates.push('reset');
    const answer = fetch(`${plane.url}/bank/bookings/${booking}?note=late`, {
      method: 'DELETE',
      headers: { authorization: `Bearer ${TOKEN}`, 'agent-context': `task="${booking}"` },
    });
    const { id } = await holdFor(booking);
    await approve(plane.store, id);
    expect((await answer).status).toBe(502);
    for (const [wait, says, execution] of [
      [5_000, 200, 'indeterminate'],
      [30_000, 503, 'indeterminate'],
      [600_000, 404, 'confirmed-executed'],
    ] as const) {
      known = says;
      now.skew += wait;
      await readBacks.tick();
      expect(upstream.received.at(-1)).toMatchObject({ method: 'GET', url: `/bookings/${booking}` });
      expect(await stateOf(id)).toMatchObject({ execution });
    }
  });

  test('a call to a system without read_back is not read back', async () => {
    fates.push('reset', 'reset', 'reset', 'reset', 'reset');
    const { id } = await approved('ledger');
    await expect.poll(() => stateOf(id)).toMatchObject({ again: true });
    await plane.store.holds.apply(id, { type: 'leave-to-people', reason: 'a test' });
    const before = upstream.received.length;
    now.skew += 600_000;
    await readBacks.tick();
    expect(upstream.received.length).toBe(before);
  });
});

describe('an outcome while the store is unavailable', () => {
  test('the caller gets its answer while the store is unavailable, and the outcome is recorded later', async () => {
    away.apply = 2;
    const { id, answer } = await approved('bank');
    expect([(await answer).status, await (await answer).text()]).toEqual([201, 'booked']);
    expect(away.apply).toBeLessThan(2);
    await expect.poll(() => stateOf(id)).toMatchObject({ execution: 'executed' });
    expect(away.apply).toBe(0);
  });

  test('a drain waits until outcomes are recorded', async () => {
    const { id, answer } = await approved('bank');
    await answer;
    const hold = { ...assertCall((await plane.store.holds.find(id))!), attempt: null };
    const slow = createOutcomes(
      {
        async apply() {
          if (away.apply > 0) {
            away.apply -= 1;
            throw new Problem('store-unavailable');
          }
          return hold;
        },
      },
      () => {},
    );
    away.apply = 1;
    await slow.record(hold, { type: 'failed', attempt: 'att_1', reason: '' });
    expect(away.apply).toBe(0);
    away.apply = 1;
    await slow.close(10_000);
    expect(away.apply).toBe(0);
  });
});
