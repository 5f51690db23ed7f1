import type { Decision, HoldTerms } from '../../../../gateway/domain/decision.ts';
import type { Event } from '../../../../gateway/domain/event.ts';
import { assertCall, isOwed, type Hold } from '../../../../gateway/domain/hold.ts';
import type { HoldDraft } from '../../../../gateway/domain/hold-store.ts';
import type { Reviewer } from '../../../../gateway/domain/principal.ts';
import { Problem } from '../../../../gateway/domain/problem.ts';
import type { Forwarder } from '../../../../gateway/enforce/forwarder.ts';
import { settleAbandoned } from '../../../../gateway/enforce/release/abandoned.ts';
import { createOutcomes } from '../../../../gateway/enforce/release/outcomes.ts';
import { createReleaser, type Releaser } from '../../../../gateway/enforce/release/release.ts';
import type { OwnedStore } from '../../../../gateway/holds/store/store.ts';
import { createHoldTimers, type HoldTimers } from '../../../../gateway/holds/timers.ts';
import { idleMeter, judgeBy } from '../../../helpers/meter.ts';
import { digest, draft, PRINCIPAL, requirement, terms } from '../../../helpers/hold.ts';
import { CALLS, EXPIRES_IN } from './reference.ts';

/** What becomes of a call on its way: answered, refused at the door, or lost; or the process dies just before or after. */
export type Fate = 'answered' | 'unsent' | 'lost' | 'dies before' | 'dies after';

/** One call that went out, as it went out. */
export type Sent = { readonly call: number; readonly digest: string; readonly key: string };

type Gateway = {
  name: string;
  store: OwnedStore;
  timers: HoldTimers;
  releaser: Releaser;
  fate: Fate;
  whenOut: () => void;
};

/** A system that does not know its `Idempotency-Key`s: nothing is sent again by itself. */
const SYSTEMS = new Map([['payments', { idempotent: false }]]);

const WHOSE = { principal: PRINCIPAL, system: 'payments' };

export function termsOf(call: number): HoldTerms {
  const requirements = CALLS[call]!.map(({ groups, quorum }) => requirement(groups, quorum));
  return terms({ requirements, expiresIn: EXPIRES_IN, respondWithin: EXPIRES_IN / 2 });
}

const rulesOf = (call: number) =>
  [{ id: `rules.payments/call-${call}`, verdict: 'hold', reason: 'asks', trigger: 'rule' }] as const;

/** Two gateways on one database, real but for the clock, the policy's answer and the network behind them. */
export class World {
  now = 1_700_000_000_000;
  readonly sent: Sent[] = [];
  readonly gateways: Gateway[] = [];
  readonly #open: (clock: () => number) => Promise<OwnedStore>;
  #processes = 0;

  constructor(open: (clock: () => number) => Promise<OwnedStore>) {
    this.#open = open;
  }

  async start(): Promise<void> {
    for (let index = 0; index < 2; index++) this.gateways.push(await this.#gateway(index));
  }

  async #gateway(index: number): Promise<Gateway> {
    const store = await this.#open(() => this.now);
    const name = `worker-${index}/${++this.#processes}/run`;
    const gateway: Gateway = {
      name,
      store,
      timers: createHoldTimers({
        holds: store.holds,
        prune: (now) => store.prune(now),
        clock: () => this.now,
        interval: 1_000,
        failed(error) {
          throw error;
        },
      }),
      releaser: undefined as unknown as Releaser,
      fate: 'answered',
      whenOut: () => {},
    };
    const forwarder: Forwarder = {
      prepare: ({ method, target, headers, body }) => ({
        method,
        target,
        headers: [...headers],
        body,
        upstream: undefined as never,
        mask: (sink) => sink,
      }),
      send: async (_system, { method, target, headers, body }, answer) => {
        if (gateway.fate === 'dies before') {
          gateway.whenOut();
          return new Promise(() => {});
        }
        if (gateway.fate === 'unsent') {
          return { status: 0, bytes: 0, upstreamMs: 0, sent: false, problem: new Problem('upstream-unreachable') };
        }
        const key = headers[headers.indexOf('idempotency-key') + 1]!;
        const call = Number(target.slice(-1));
        const own = headers.filter((_, i) => headers[i - (i % 2)] !== 'idempotency-key');
        const what = { method, target, headers: own, body: body as Buffer };
        this.sent.push({ call, key, digest: digest(WHOSE, what) });
        if (gateway.fate === 'dies after') {
          gateway.whenOut();
          return new Promise(() => {});
        }
        if (gateway.fate === 'lost') {
          return { status: 0, bytes: 0, upstreamMs: 1, sent: true, problem: new Problem('upstream-failed') };
        }
        answer.head(200, []);
        answer.data(Buffer.from('{}'));
        answer.end([]);
        return { status: 200, bytes: 2, upstreamMs: 1, sent: true, problem: null };
      },
      close: async () => {},
    };
    gateway.releaser = createReleaser({
      messages: { through: (_call, answer) => answer },
      holds: store.holds,
      contents: store.contents,
      senders: store.senders,
      judge: judgeBy((input) => decisionOf(Number(JSON.parse(input).call))),
      forwarder,
      outcomes: createOutcomes(store.holds, () => {}),
      meter: idleMeter,
      released: () => {},
      digest,
      isStopped: () => false,
      whyNotPermitted: () => null,
      systems: SYSTEMS,
      clock: () => this.now,
      by: name,
    });
    return gateway;
  }

  /** What the agent sends, again and again the same. */
  draft(call: number, handle: boolean): HoldDraft {
    return draft(500, {
      callId: `call_${call}`,
      decisionId: `dec_${call}`,
      operation: 'refund',
      path: `/v1/refunds/${call}`,
      rules: rulesOf(call),
      reason: 'asks',
      terms: termsOf(call),
      handle,
      call: heldCall(call, 500),
    });
  }

  /** The command that changes the call of a hold to another amount. */
  edit(hold: Hold, call: number, by: Reviewer, amount: number) {
    const held = heldCall(call, amount);
    return {
      type: 'edit',
      by,
      channel: 'api',
      revision: hold.revision,
      note: null,
      seenAt: null,
      call: held,
      digest: digest(WHOSE, held),
      envelope: digest.envelope(WHOSE, held),
      judgement: { rules: rulesOf(call), reason: 'asks', terms: termsOf(call), cost: null, policyRevision: 'p1' },
    } as const;
  }

  /** Releases a hold; where the process is to die on the way it is dead afterwards, and another has taken its place. */
  async release(at: number, hold: Hold, fate: Fate): Promise<void> {
    const gateway = this.gateways[at]!;
    gateway.fate = fate;
    const out = new Promise<void>((resolve) => (gateway.whenOut = resolve));
    const released = gateway.releaser.release(assertCall(hold), null);
    await Promise.race([released, out]);
    if (fate.startsWith('dies')) {
      await this.restart(at);
      return;
    }
    gateway.fate = 'answered';
    await released;
    // The caller has its answer, so that the next call like it is another.
    const { holds } = gateway.store;
    const latest = await holds.find(hold.id);
    if (latest && isOwed(latest)) await holds.apply(hold.id, { type: 'told' });
  }

  /** The process ends without a word, and its successor finds what it left. */
  async restart(at: number): Promise<void> {
    const dead = this.gateways[at]!;
    await dead.store.close();
    const successor = await this.#gateway(at);
    this.gateways[at] = successor;
    const ended = (name: string) => name === dead.name;
    await settleAbandoned({ holds: successor.store.holds, systems: SYSTEMS, ended, clock: () => this.now });
  }

  async events(): Promise<Event[]> {
    const { outbox } = this.gateways[0]!.store;
    const all: Event[] = [];
    for (let seq = 0; ;) {
      const page = await outbox.read(seq, 1_000);
      if (page.length === 0) return all;
      all.push(...page.map(({ event }) => event));
      seq = page.at(-1)!.seq;
    }
  }

  async close(): Promise<void> {
    for (const { store } of this.gateways) await store.close();
  }
}

function heldCall(call: number, amount: number) {
  const body = Buffer.from(JSON.stringify({ amount }));
  const input = JSON.stringify({ call, action: { body: { amount }, body_bytes: body.length } });
  return { method: 'POST', target: `/v1/refunds/${call}`, headers: ['content-type', 'application/json'], body, input };
}

function decisionOf(call: number): Decision {
  return {
    id: 'dec_r',
    verdict: 'hold',
    rules: rulesOf(call),
    reason: 'asks',
    obligations: [],
    alert: [],
    terms: termsOf(call),
    cost: null,
    policyRevision: 'p1',
    fault: null,
    decideMicros: 1,
  };
}
