import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createEvaluator, type Evaluator } from '../../../gateway/decide/evaluator.ts';
import { assertCall } from '../../../gateway/domain/hold.ts';
import { isRefusal, type HoldCommand } from '../../../gateway/domain/hold-command.ts';
import { BEN, startDataPlane, TOKEN, type DataPlane } from '../../helpers/data-plane.ts';
import { tempFolder } from '../../helpers/folder.ts';
import { compileRego } from '../../helpers/policy.ts';
import { startPostgres, type PostgresServer } from '../../helpers/postgres.ts';
import { startUpstream, type Upstream } from '../../helpers/upstream.ts';

/** `HOLDPOINT_TWIN_ROUNDS=500` drives more; `HOLDPOINT_TWIN_SEED` repeats the choices of a run, though not its timing. */
const ROUNDS = Number(process.env['HOLDPOINT_TWIN_ROUNDS'] ?? 12);
const SEED = Number(process.env['HOLDPOINT_TWIN_SEED'] ?? Date.now() % 2 ** 32);

/** Calls of one round, by so many callers at once; and the pauses between them, in milliseconds. */
const CALLERS = 6;
const CALLS_EACH = 5;
const LONGEST_PAUSE = 30;
/** More holds than a round opens. */
const MOST_HOLDS = 200;

/** `Agent-Context` is no part of what an approval binds to, but policy reads it. */
const BY_CLAIM = `package rules.payments

urgent if input.context.claims.urgent

allow contains {"rule": "urgent"} if urgent

hold contains {"rule": "pays", "reviewers": ["finance"]} if not urgent
`;
const ALLOWS = `package rules.payments

allow contains {"rule": "all"}
`;

let upstream: Upstream;
let policies: Evaluator[];

beforeAll(async () => {
  upstream = await startUpstream((_received, response) => void response.writeHead(201).end('paid'));
  const modules = [BY_CLAIM, BY_CLAIM, BY_CLAIM, ALLOWS];
  policies = await Promise.all(modules.map(async (rego) => createEvaluator(await compileRego({ 'p.rego': rego }))));
}, 60_000);

afterAll(async () => {
  await upstream?.close();
});

/** Numbers below `n`, always the same for one seed (mulberry32). */
function createChoice(seed: number): (n: number) => number {
  let state = seed;
  return (n) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * n);
  };
}

/** What a caller knows: when it asked and was answered, and what it was told. */
type Told = {
  readonly what: string;
  readonly from: number;
  readonly to: number;
  readonly verdict: string | null;
  readonly status: number;
  readonly code: string | null;
  readonly hold: string | null;
};

/** What is known of a hold from a moment on, because whoever did it was told so. */
type Fact = { readonly hold: string; readonly since: number; readonly is: 'approved' | 'rejected' };

class Round {
  readonly told: Told[] = [];
  readonly facts: Fact[] = [];
  readonly #planes: readonly DataPlane[];
  readonly #choose: (n: number) => number;
  readonly #name = randomUUID();
  readonly #bodies: readonly string[];

  constructor(planes: readonly DataPlane[], choose: (n: number) => number) {
    this.#planes = planes;
    this.#choose = choose;
    // Three calls that differ in a digit.
    this.#bodies = [1, 2, 3].map((amount) => JSON.stringify({ purpose: this.#name, amount }));
  }

  #plane(): DataPlane {
    return this.#planes[this.#choose(this.#planes.length)]!;
  }

  async #call(plane: DataPlane, what: string, urgent: boolean): Promise<void> {
    const from = Date.now();
    const answer = await fetch(`${plane.url}/payments/pay`, {
      method: 'POST',
      body: what,
      headers: {
        authorization: `Bearer ${TOKEN}`,
        'content-type': 'application/json',
        prefer: 'wait=0',
        ...(urgent && { 'agent-context': 'urgent' }),
      },
    });
    const text = await answer.text();
    const { code = null, hold_id: hold = null } = text.startsWith('{')
      ? (JSON.parse(text) as { code?: string; hold_id?: string })
      : {};
    const verdict = answer.headers.get('holdpoint-verdict');
    this.told.push({ what, from, to: Date.now(), verdict, status: answer.status, code, hold });
  }

  async #callRepeatedly(): Promise<void> {
    for (let call = 0; call < CALLS_EACH; call++) {
      if (this.#choose(2) === 0) await pause(this.#choose(LONGEST_PAUSE));
      const what = this.#bodies[this.#choose(this.#bodies.length)]!;
      await this.#call(this.#plane(), what, this.#choose(8) === 0);
      // At once, before other processes have heard of a hold.
      if (this.#choose(3) === 0) await this.#call(this.#plane(), what, true);
    }
  }

  async #review(done: AbortSignal): Promise<void> {
    while (!done.aborted) {
      await pause(this.#choose(LONGEST_PAUSE));
      const { holds } = this.#plane().store;
      for (const { id, revision } of (await holds.list({ status: 'pending', limit: 20 })).items) {
        const given = { by: BEN, channel: 'api', revision, note: null } as const;
        const command: HoldCommand =
          this.#choose(4) === 0
            ? { type: 'reject', code: 'other', ...given }
            : { type: 'approve', seenAt: null, grant: null, ...given };
        const result = await holds.apply(id, command);
        if (isRefusal(result)) continue;
        this.facts.push({
          hold: id,
          since: Date.now(),
          is: command.type === 'approve' ? 'approved' : 'rejected',
        });
      }
    }
  }

  async #changePolicy(done: AbortSignal): Promise<void> {
    while (!done.aborted) {
      await pause(this.#choose(3 * LONGEST_PAUSE));
      this.#plane().decider.swap(policies[this.#choose(policies.length)]!);
    }
  }

  async play(): Promise<void> {
    const done = new AbortController();
    const others = [this.#review(done.signal), this.#changePolicy(done.signal)];
    await Promise.all(Array.from({ length: CALLERS }, () => this.#callRepeatedly()));
    done.abort();
    await Promise.all(others);
    // What was approved last is collected.
    for (const plane of this.#planes) plane.decider.swap(policies[0]!);
    for (const what of this.#bodies) await this.#call(this.#planes[0]!, what, false);
  }

  /** Everything that the model forbids; empty if the round went well. */
  async violations(): Promise<string[]> {
    const { holds, contents } = this.#planes[0]!.store;
    // Whoever was answered with what an approved call brought was not told of its hold, so the store is asked.
    const { items } = await holds.list({ limit: MOST_HOLDS });
    const released = items.map(assertCall).filter(({ execution }) => execution === 'executed');
    const bodies = await Promise.all(released.map(async ({ id }) => (await contents.call(id))!.body.toString()));
    const found: string[] = [];

    for (const what of this.#bodies) {
      const about = this.told.filter((one) => one.what === what);
      const executed = released.filter((_hold, index) => bodies[index] === what);
      const allowed = about.filter(({ verdict, status }) => verdict === 'allow' && status === 201);
      const sent = upstream.received.filter(({ body }) => body.toString() === what).length;
      // Each allowed call is sent, and each executed hold; nothing else is.
      if (sent !== allowed.length + executed.length) {
        found.push(`${what} was sent ${sent} times: ${allowed.length} allowed, ${executed.length} approved`);
      }
      for (const hold of executed) {
        // Once a caller knows of the hold, a call that is allowed before the hold is released ends it.
        const openSince = Math.min(...about.filter(({ hold: id }) => id === hold.id).map(({ to }) => to));
        const releasedAt = hold.attempt!.at;
        for (const { from, to } of allowed) {
          if (from > openSince && to < releasedAt) found.push(`${hold.id} and a call allowed meanwhile were both sent`);
        }
      }
    }
    for (const { from, code, hold } of this.told) {
      if (code !== 'approval-pending' && code !== 'release-pending') continue;
      const is = this.facts.filter((fact) => fact.hold === hold && fact.since < from).map((fact) => fact.is);
      if (code === 'approval-pending' && is.length > 0) found.push(`${hold} was ${is.join()}, and told as pending`);
      if (is.includes('rejected')) found.push(`${hold} was rejected, and told as ${code}`);
    }
    return found;
  }
}

async function drive(planes: readonly DataPlane[]): Promise<number> {
  let calls = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const one = new Round(planes, createChoice(SEED + round));
    await one.play();
    expect(await one.violations(), `HOLDPOINT_TWIN_SEED=${SEED + round}`).toEqual([]);
    calls += one.told.length;
  }
  return calls;
}

function start(folder: string, name: string, at: { file: string } | { url: string }): Promise<DataPlane> {
  const systems = { payments: { upstream: upstream.url, wait: '60s' } };
  return startDataPlane({ systems, rego: { 'p.rego': BY_CLAIM }, at, key: join(folder, 'holds.key'), name });
}

/** Identical and nearly identical calls, some held and some allowed, over all planes at once. */
describe(`calls that are held and allowed at once, from seed ${SEED}`, () => {
  test('with several workers on SQLite, no call is sent twice and no answer contradicts the store', async () => {
    const folder = tempFolder();
    const at = { file: join(folder.path, 'holds.sqlite') };
    const planes: DataPlane[] = [];
    for (const worker of [0, 1, 2]) planes.push(await start(folder.path, `worker-${worker}/${worker}/test`, at));
    const calls = await drive(planes);
    expect(calls).toBeGreaterThanOrEqual(ROUNDS * CALLERS * CALLS_EACH);
    await Promise.all(planes.map((plane) => plane.close()));
    folder.remove();
  }, 3_600_000);

  test('with several gateways on PostgreSQL, no call is sent twice and no answer contradicts the store', async () => {
    const folder = tempFolder();
    const postgres: PostgresServer = await startPostgres();
    const planes: DataPlane[] = [];
    for (const gateway of ['one', 'two']) {
      planes.push(await start(folder.path, `worker-0/1/${gateway}`, { url: postgres.url }));
    }
    const calls = await drive(planes);
    expect(calls).toBeGreaterThanOrEqual(ROUNDS * CALLERS * CALLS_EACH);
    await Promise.all(planes.map((plane) => plane.close()));
    await postgres.stop();
    folder.remove();
  }, 3_600_000);
});
