import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { createEvaluator, type Evaluator } from '../../../../gateway/decide/evaluator.ts';
import type { Decision } from '../../../../gateway/domain/decision.ts';
import { assertCall, type CallHold } from '../../../../gateway/domain/hold.ts';
import type { System } from '../../../../gateway/domain/system.ts';
import type { UpstreamSink } from '../../../../gateway/domain/upstream-sink.ts';
import { createForwarder, type Forwarder } from '../../../../gateway/enforce/forwarder.ts';
import { settleAbandoned } from '../../../../gateway/enforce/release/abandoned.ts';
import { createOutcomes } from '../../../../gateway/enforce/release/outcomes.ts';
import { createHandleReleases } from '../../../../gateway/enforce/release/release-handles.ts';
import { createReleaser } from '../../../../gateway/enforce/release/release.ts';
import { createDigest } from '../../../../gateway/holds/binding.ts';
import { idleMeter, judgeBy } from '../../../helpers/meter.ts';
import { approve as approveHold, BEN, startDataPlane, TOKEN, type DataPlane } from '../../../helpers/data-plane.ts';
import { compileRego } from '../../../helpers/policy.ts';
import { startUpstream, type Upstream } from '../../../helpers/upstream.ts';

const HOLD = (system: string) => `package rules.${system}

hold contains {"rule": "large", "reason": "more than 100", "reviewers": ["finance"]} if input.action.body.amount > 100
`;

const BLOCK = `package rules.payments

block contains {"rule": "frozen", "reason": "payments are frozen"}
`;

const HOLD_FOR_MORE = `${HOLD('payments')}
hold contains {"rule": "weekend", "reason": "not at the weekend", "reviewers": ["finance"]}
`;

const FAULTY = `package rules.payments

allow contains "nonsense"
`;

let upstream: Upstream;
let resetting: { readonly port: number; readonly received: string[]; close(): void };
let plane: DataPlane;
let forwarder: Forwarder;
let original: Evaluator;
const stops: (() => Promise<void>)[] = [];
const failures: unknown[] = [];

beforeAll(async () => {
  upstream = await startUpstream((_received, response) => {
    response.writeHead(201, { 'content-type': 'application/json', 'x-upstream': 'yes' }).end('{"paid":true}');
  });
  resetting = await startResetting();
  const rego = { 'a.rego': HOLD('payments'), 'b.rego': HOLD('resetting'), 'c.rego': HOLD('away') };
  plane = await startDataPlane({
    systems: {
      payments: { upstream: upstream.url, wait: '0s', credential: { header: 'authorization', value: 'Bearer key' } },
      resetting: { upstream: `http://127.0.0.1:${resetting.port}`, wait: '0s' },
      away: { upstream: 'http://127.0.0.1:1', wait: '0s' },
    },
    rego,
  });
  forwarder = createForwarder([...systems().values()]);
  original = createEvaluator(await compileRego(rego));
});

afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
  plane.decider.swap(original);
  failures.splice(0);
});

afterAll(async () => {
  await forwarder?.close();
  await plane?.close();
  await upstream?.close();
  resetting?.close();
});

/** A system that takes a call and then resets the connection, so that its outcome is unknown. */
async function startResetting() {
  const received: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('data', (chunk: Buffer) => {
      received.push(chunk.toString('latin1'));
      socket.resetAndDestroy();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const close = () => {
    for (const socket of sockets) socket.destroy();
    server.close();
  };
  return { port: (server.address() as AddressInfo).port, received, close };
}

const systems = () => new Map<string, System>(plane.config.systems.map((system) => [system.name, system]));

/** A process that releases calls for callers that left, made of the same parts as control. */
function startReleaser(
  by: string,
  decide: (input: string) => Decision = (input) => plane.decider.decide(input),
  whyNotPermitted: Parameters<typeof createReleaser>[0]['whyNotPermitted'] = () => null,
) {
  const { holds, contents } = plane.store;
  const clock = Date.now;
  const outcomes = createOutcomes(holds, () => failures.push('an outcome was refused'));
  const parts = {
    messages: { through: (_call: unknown, answer: UpstreamSink) => answer },
    holds,
    contents,
    outcomes,
    forwarder,
    meter: idleMeter,
    released: () => {},
    digest: createDigest(systems()),
    systems: systems(),
    clock,
  };
  const releaser = createReleaser({
    ...parts,
    senders: plane.store.senders,
    judge: judgeBy(decide),
    isStopped: () => false,
    whyNotPermitted,
    by,
  });
  const failed = (error: unknown) => failures.push(error);
  const releases = createHandleReleases({ holds, releaser, clock, failed });
  releases.start();
  stops.push(() => releases.stop());
}

/** A payment. Its caller takes a handle and leaves. */
async function payAndLeave(system = 'payments', headers: Record<string, string> = {}): Promise<string> {
  const answer = await fetch(`${plane.url}/${system}/v1/pay`, {
    method: 'POST',
    body: JSON.stringify({ amount: 500, purpose: randomUUID() }),
    headers: {
      authorization: `Bearer ${TOKEN}`,
      'content-type': 'application/json',
      prefer: 'respond-async',
      ...headers,
    },
  });
  expect(answer.status).toBe(202);
  return ((await answer.json()) as { hold_id: string }).hold_id;
}

const approve = (id: string): Promise<CallHold> => approveHold(plane.store, id);

const execution = (id: string) => async () => (await plane.store.holds.find(id))?.execution;
const status = (id: string) => async () => (await plane.store.holds.find(id))?.status;

async function policy(rego: string): Promise<Evaluator> {
  return createEvaluator(await compileRego({ 'payments.rego': rego }));
}

async function stepsOf(id: string) {
  return (await plane.store.outbox.read(0, 10_000)).map(({ event }) => event).filter((event) => event.hold_id === id);
}

const fetchAnswer = (id: string) =>
  fetch(`${plane.url}/-/holds/${id}/response`, { headers: { authorization: `Bearer ${TOKEN}` } });

/** Releases a second call, after every other call that was due. Earlier calls that were not sent by then never are. */
async function untilAnotherIsReleased(): Promise<void> {
  const id = await payAndLeave();
  await approve(id);
  await expect.poll(execution(id)).toBe('executed');
}

describe('an approved call after its caller left with a handle', () => {
  test('an approved call is released once although two processes race for it, and its answer is kept for the caller', async () => {
    startReleaser('control/1');
    startReleaser('control/2');
    startReleaser('control/3');
    const before = upstream.received.length;
    const ids = await Promise.all(Array.from({ length: 5 }, () => payAndLeave()));
    await Promise.all(ids.map(approve));
    for (const id of ids) await expect.poll(execution(id)).toBe('executed');
    expect(upstream.received.length).toBe(before + ids.length);
    expect(failures).toEqual([]);

    const answer = await fetchAnswer(ids[0]!);
    expect([answer.status, answer.headers.get('x-upstream'), await answer.text()]).toEqual([
      201,
      'yes',
      '{"paid":true}',
    ]);
    expect(answer.headers.get('holdpoint-verdict')).toBe('hold');
    const { headers, rawHeaders } = upstream.received.at(-1)!;
    expect(headers.authorization).toBe('Bearer key');
    expect(rawHeaders.join()).not.toContain(TOKEN);
    const steps = (await stepsOf(ids[0]!)).map(({ type }) => type);
    expect(steps).toEqual(['hold.opened', 'hold.voted', 'hold.approved', 'hold.released', 'hold.executed']);
  });

  test('a released call is sent with one Idempotency-Key: that of the attempt, or the agent’s own', async () => {
    startReleaser('control/1');
    const id = await payAndLeave();
    await approve(id);
    await expect.poll(execution(id)).toBe('executed');
    const attempt = assertCall((await plane.store.holds.find(id))!).attempt;
    expect(attempt).toMatchObject({ by: 'control/1' });
    expect(upstream.received.at(-1)?.headers['idempotency-key']).toBe(attempt?.id);

    const key = randomUUID();
    const own = await payAndLeave('payments', { 'idempotency-key': key });
    await approve(own);
    await expect.poll(execution(own)).toBe('executed');
    expect(upstream.received.at(-1)?.headers['idempotency-key']).toBe(key);
  });

  test('an approved call is found by a releaser that starts after the approval', async () => {
    const id = await payAndLeave();
    await approve(id);
    expect(await execution(id)()).toBe('none');
    startReleaser('control/1');
    await expect.poll(execution(id)).toBe('executed');
  });

  test('a call has no answer to fetch before its release, nor after its rejection', async () => {
    startReleaser('control/1');
    const id = await payAndLeave();
    expect((await fetchAnswer(id)).status).toBe(409);
    const before = upstream.received.length;
    await plane.store.holds.apply(id, {
      type: 'reject',
      by: BEN,
      channel: 'api',
      revision: 1,
      code: 'other',
      note: null,
    });
    await untilAnotherIsReleased();
    expect(upstream.received.length).toBe(before + 1);
    expect((await fetchAnswer(id)).status).toBe(409);
  });

  test('an approved call without a handle is left to its caller', async () => {
    startReleaser('control/1');
    const answer = await fetch(`${plane.url}/payments/v1/pay`, {
      method: 'POST',
      body: JSON.stringify({ amount: 500, purpose: randomUUID() }),
      headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' },
    });
    const { hold_id } = (await answer.json()) as { hold_id: string };
    await approve(hold_id);
    await untilAnotherIsReleased();
    expect(await execution(hold_id)()).toBe('none');
  });
});

describe('the policy decision at the release', () => {
  test('a policy that now blocks supersedes the approval, and the call is not sent', async () => {
    const id = await payAndLeave();
    await approve(id);
    const blocking = await policy(BLOCK);
    plane.decider.swap(blocking);
    const before = upstream.received.length;
    startReleaser('control/1');
    await expect.poll(status(id)).toBe('superseded');
    expect(upstream.received.length).toBe(before);
    expect((await stepsOf(id)).at(-1)).toMatchObject({
      type: 'hold.superseded',
      reason: 'payments are frozen',
      policy_revision: blocking.revision,
    });
  });

  test('an agent that lost its grant to the system loses the approval too, and the call is not sent', async () => {
    const id = await payAndLeave();
    await approve(id);
    const before = upstream.received.length;
    startReleaser('control/1', undefined, ({ principal: { agent }, system }) =>
      agent === 'billing-bot' && system === 'payments' ? 'it lost the system' : null,
    );
    await expect.poll(status(id)).toBe('superseded');
    expect(upstream.received.length).toBe(before);
  });

  test('a policy that now holds for another rule too asks people again, and both revisions are recorded', async () => {
    const id = await payAndLeave();
    const approved = await approve(id);
    const stricter = await policy(HOLD_FOR_MORE);
    plane.decider.swap(stricter);
    const before = upstream.received.length;
    startReleaser('control/1');
    await expect.poll(status(id)).toBe('pending');
    expect(await plane.store.holds.find(id)).toMatchObject({
      execution: 'none',
      revision: 2,
      policyRevision: stricter.revision,
      decidedBy: null,
    });
    expect(upstream.received.length).toBe(before);
    const revisions = (await stepsOf(id)).map(({ type, policy_revision }) => [type, policy_revision]);
    expect(revisions[0]).toEqual(['hold.opened', approved.policyRevision]);
    expect(revisions.at(-1)).toEqual(['hold.reopened', stricter.revision]);

    // The earlier vote was for another revision. The call is sent after a new vote.
    const stale = {
      type: 'approve',
      by: BEN,
      channel: 'api',
      revision: 1,
      note: null,
      seenAt: null,
      grant: null,
    } as const;
    expect(await plane.store.holds.apply(id, stale)).toMatchObject({ refused: 'stale' });
    await approve(id);
    await expect.poll(execution(id)).toBe('executed');
    expect(upstream.received.length).toBe(before + 1);
  });

  test.each([
    ['faults', () => policy(FAULTY).then((evaluator) => (input: string) => evaluator.decide(input))],
    [
      'throws',
      async () => (): Decision => {
        throw new Error('no policy');
      },
    ],
  ])('a policy that %s changes nothing, and the release is retried', async (_how, faulty) => {
    const id = await payAndLeave();
    const approved = await approve(id);
    const before = upstream.received.length;
    let decide = await faulty();
    startReleaser('control/1', (input) => decide(input));
    await expect.poll(() => failures.length).toBeGreaterThan(0);
    expect(await plane.store.holds.find(id)).toEqual(approved);
    expect(upstream.received.length).toBe(before);
    decide = (input) => original.decide(input);
    await expect.poll(execution(id)).toBe('executed');
    expect(upstream.received.length).toBe(before + 1);
  });
});

describe('the outcome of a released call', () => {
  test('the outcome is unknown when the system reset the connection after it had the call, which is not sent again', async () => {
    startReleaser('control/1');
    const id = await payAndLeave('resetting');
    await approve(id);
    await expect.poll(execution(id)).toBe('indeterminate');
    await untilAnotherIsReleased();
    expect(resetting.received.length).toBe(1);
    expect((await fetchAnswer(id)).status).toBe(409);
    expect((await stepsOf(id)).at(-1)).toMatchObject({ type: 'hold.indeterminate', reason: 'upstream-failed' });
  });

  test('the outcome is a failure when the system could not be reached, as no byte was sent', async () => {
    startReleaser('control/1');
    const id = await payAndLeave('away');
    await approve(id);
    await expect.poll(execution(id)).toBe('failed');
    expect((await stepsOf(id)).at(-1)).toMatchObject({ type: 'hold.failed', reason: 'upstream-unreachable' });
  });

  test('the outcome is unknown when the sending process ended, and the call is never sent again', async () => {
    const dead = await payAndLeave();
    const alive = await payAndLeave();
    for (const [id, by] of [
      [dead, 'worker-1/dead'],
      [alive, 'worker-2/alive'],
    ] as const) {
      await approve(id);
      const attempt = `att_${by}`;
      await plane.store.holds.apply(id, {
        type: 'release',
        attempt,
        by,
        key: attempt,
        policyRevision: original.revision,
      });
    }
    const before = upstream.received.length;
    const settle = () =>
      settleAbandoned({
        holds: plane.store.holds,
        systems: systems(),
        ended: (name) => name === 'worker-1/dead',
        clock: Date.now,
      });
    expect(await settle()).toBe(1);
    expect(await execution(dead)()).toBe('indeterminate');
    expect(await execution(alive)()).toBe('releasing');
    expect(await settle()).toBe(0);

    startReleaser('control/1');
    await untilAnotherIsReleased();
    expect(upstream.received.length).toBe(before + 1);
    expect(await execution(dead)()).toBe('indeterminate');
    expect((await fetchAnswer(dead)).status).toBe(409);
    // If the process was alive after all, its late outcome is the truth.
    const response = { status: 200, headers: [], body: Buffer.alloc(0), complete: true };
    const unmeasured = { cost: null, drift: null };
    const late = await plane.store.holds.apply(dead, {
      type: 'executed',
      attempt: 'att_worker-1/dead',
      response,
      ...unmeasured,
    });
    expect(late).toMatchObject({ execution: 'executed', upstreamStatus: 200 });
    await plane.store.holds.apply(alive, { type: 'failed', attempt: 'att_worker-2/alive', reason: 'over' });
  });
});
