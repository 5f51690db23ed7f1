import type { Measurement, Meter } from '../../domain/metering.ts';
import type { Clock } from '../../domain/clock.ts';
import type { Cost } from '../../domain/cost.ts';
import type { Spender } from '../../domain/usage.ts';
import type { Decision } from '../../domain/decision.ts';
import { assertCall, type CallHold, type DigestAction, type Hold } from '../../domain/hold.ts';
import { isRefusal, type HoldCommand, type HoldRefusal } from '../../domain/hold-command.ts';
import type { HoldStore } from '../../domain/hold-store.ts';
import { createId } from '../../domain/id.ts';
import { Problem } from '../../domain/problem.ts';
import type { System } from '../../domain/system.ts';
import { asksAgain } from './asks-again.ts';
import { CapturedAnswer } from './captured-answer.ts';
import type { Forwarder } from '../forwarder.ts';
import { headerValue } from '../../domain/headers.ts';
import type { OutcomeCommand, Outcomes } from './outcomes.ts';
import { resendAfter } from './attempts.ts';
import { sampled } from '../sampled-answer.ts';
import type { UpstreamSink } from '../../domain/upstream-sink.ts';
import type { Delivery } from '../../wire/delivery.ts';

/** `delivery` is null when nothing was sent by this release: the hold then tells why. */
export type Released = { readonly hold: CallHold; readonly delivery: Delivery | null };

export type Releaser = {
  /**
   * Releases one approved hold and streams its answer to the caller who is attached, if any.
   * @throws Problem when nothing was sent: the policy cannot decide, or the store is away or damaged
   */
  release(hold: CallHold, attached: UpstreamSink | null, send?: Forwarder['send']): Promise<Released>;
  /**
   * Sends a call of unknown outcome once more, the same bytes under the same key; or leaves it to people, where policy
   * would not have it sent now.
   * @throws as `release`
   */
  resend(hold: CallHold): Promise<CallHold>;
  /** Whether this process is releasing the hold just now. */
  isReleasing(holdId: string): boolean;
};

/**
 * Releases approved holds, each at most once. The order is what makes a crash harmless: policy decides again, then one
 * compare-and-swap commits the attempt, and only then the first byte goes upstream. A process that dies after the commit
 * leaves a hold in `releasing`, which becomes `indeterminate`; it is sent again only where the system is declared
 * idempotent.
 */
export function createReleaser(deps: {
  readonly store: Pick<HoldStore, 'call' | 'apply'>;
  readonly decide: (input: string) => Decision;
  readonly forwarder: Forwarder;
  readonly outcomes: Outcomes;
  readonly meter: Meter;
  /** Told what a released call has cost. */
  readonly spent: (spender: Spender, cost: Cost) => void;
  readonly digest: DigestAction;
  readonly systems: ReadonlyMap<string, Pick<System, 'idempotent'>>;
  /** Why the agent may not call the system any more; null when it may. */
  readonly barred: (agent: string, system: string) => string | null;
  /** Names this process in the attempt, so that its unfinished attempts can be found when it dies. */
  readonly by: string;
  readonly clock: Clock;
}): Releaser {
  const { store, decide, forwarder, outcomes, meter, spent, digest, systems, barred, by, clock } = deps;
  const atIt = new Set<string>();

  async function apply(hold: CallHold, command: HoldCommand): Promise<CallHold> {
    const result = await store.apply(hold.id, command);
    return latest(hold, result);
  }

  /** The call as it was approved, and what stands against sending it now. */
  async function judge(hold: CallHold) {
    const call = await store.call(hold.id);
    // Approval binds to the digest and to nothing else: bytes that do not match it were approved by nobody.
    if (!call || digest(hold, call) !== hold.digest) {
      throw new Problem('internal', { cause: new Error(`what is stored for ${hold.id} is not what was approved`) });
    }
    const decision = decide(call.input);
    if (decision.fault !== null) throw new Problem('policy-unavailable', { cause: new Error(decision.fault) });
    const { policyRevision } = decision;
    const bar = barred(hold.principal.agent, hold.system);
    const objection = bar ? ({ type: 'supersede', reason: bar, policyRevision } as const) : asksAgain(hold, decision);
    const request = forwarder.prepare({ ...call, system: hold.system }, decision);
    return { request, objection, policyRevision, cost: decision.cost, input: call.input };
  }

  /**
   * Commits the attempt. Where the store went away in the middle nobody can tell whether it is committed; but nothing is
   * sent, and once the store is back the hold says so.
   */
  async function begin(hold: CallHold, command: Extract<HoldCommand, { type: 'release' | 'resend' }>) {
    try {
      return await store.apply(hold.id, command);
    } catch (error) {
      outcomes.withdraw(hold, unsent(hold, command.attempt, 'store-unavailable'));
      throw error;
    }
  }

  async function send(hold: CallHold, attempt: string, { request, cost, input }: Judged, to: Receiver) {
    const answer = new CapturedAnswer(to.attached);
    const sample = meter.sample(hold);
    const delivery = await to.send(hold.system, request, sampled(answer, sample));
    const { callId: id, system, operation } = hold;
    const measurement = await meter.measure({ id, system, operation, input }, cost, sample, delivery);
    if (measurement.cost) spent({ ...hold.principal, system, operation }, measurement.cost);
    return { hold: await outcomes.record(hold, outcomeOf(hold, attempt, delivery, answer, measurement)), delivery };
  }

  function outcomeOf(
    hold: CallHold,
    attempt: string,
    delivery: Delivery,
    answer: CapturedAnswer,
    measurement: Measurement,
  ): OutcomeCommand {
    const reason = delivery.problem?.code ?? '';
    if (!delivery.sent) return unsent(hold, attempt, reason);
    // A status line is the system's word that it has dealt with the call, even if the rest of its answer is lost.
    if (delivery.status > 0) {
      const response = answer.response;
      const complete = response.complete && !delivery.problem;
      return { type: 'executed', attempt, response: { ...response, complete }, ...measurement };
    }
    return unknown(hold, attempt, reason);
  }

  /** After an attempt that may have arrived, a later one that was not sent proves nothing. */
  function unsent(hold: CallHold, attempt: string, reason: string): OutcomeCommand {
    const isFirst = hold.execution === 'none' || hold.attempt?.number === 1;
    return isFirst ? { type: 'failed', attempt, reason } : unknown(hold, attempt, reason);
  }

  function unknown(hold: CallHold, attempt: string, reason: string): OutcomeCommand {
    const wait = systems.get(hold.system)?.idempotent ? resendAfter(hold.attempt?.number ?? 1) : null;
    return { type: 'indeterminate', attempt, reason, resendAt: wait === null ? null : clock() + wait };
  }

  /** One at a time in this process; between processes the compare-and-swap decides. */
  async function alone<T>(hold: CallHold, work: () => Promise<T>): Promise<T> {
    atIt.add(hold.id);
    try {
      return await work();
    } finally {
      atIt.delete(hold.id);
    }
  }

  return {
    release: (hold, attached, sendBy = forwarder.send) =>
      alone(hold, async () => {
        const judged = await judge(hold);
        const { request, objection, policyRevision } = judged;
        if (objection) return { hold: await apply(hold, objection), delivery: null };

        const attempt = createId('att');
        const own = headerValue(request.headers, 'idempotency-key');
        if (own === null) request.headers.push('idempotency-key', attempt);
        const releasing = await begin(hold, { type: 'release', attempt, by, key: own ?? attempt, policyRevision });
        // Somebody else was first: an attached worker, control, or a person who changed the hold meanwhile.
        if (isRefusal(releasing)) return { hold: latest(hold, releasing), delivery: null };
        return send(assertCall(releasing), attempt, judged, { attached, send: sendBy });
      }),
    resend: (hold) =>
      alone(hold, async () => {
        const judged = await judge(hold);
        const { request, objection, policyRevision } = judged;
        if (objection) return apply(hold, { type: 'leave-to-people', reason: objection.reason });

        const attempt = createId('att');
        const key = hold.attempt?.key;
        if (key === undefined) throw new Error(`${hold.id} was never sent`);
        if (headerValue(request.headers, 'idempotency-key') === null) request.headers.push('idempotency-key', key);
        const releasing = await begin(hold, { type: 'resend', attempt, by, policyRevision });
        if (isRefusal(releasing)) return latest(hold, releasing);
        return (await send(assertCall(releasing), attempt, judged, { attached: null, send: forwarder.send })).hold;
      }),
    isReleasing: (holdId) => atIt.has(holdId),
  };
}

/** The hold as it stands after a command, or after its refusal. */
function latest(hold: CallHold, result: Hold | HoldRefusal): CallHold {
  return assertCall(isRefusal(result) ? (result.hold ?? hold) : result);
}

/** What will be sent, and what is known of it before. */
type Judged = {
  readonly request: Parameters<Forwarder['send']>[1];
  /** The input on which policy decided. */
  readonly input: string;
  readonly cost: Cost | null;
};

/** To whom an answer goes, and by which way the call is sent. */
type Receiver = { readonly attached: UpstreamSink | null; readonly send: Forwarder['send'] };
