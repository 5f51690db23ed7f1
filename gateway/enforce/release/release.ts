import { setTimeout as sleep } from 'node:timers/promises';
import type { Measurement, Meter } from '../../domain/metering.ts';
import { isSafe } from '../../domain/call.ts';
import type { Clock } from '../../domain/clock.ts';
import type { Cost } from '../../domain/cost.ts';
import type { JudgeAgain, JudgedAgain } from '../../domain/usage.ts';
import type { Decision } from '../../domain/decision.ts';
import { assertCall, type CallHold, type DigestAction, type HeldCall, type Hold } from '../../domain/hold.ts';
import { isRefusal, type HoldCommand, type HoldRefusal } from '../../domain/hold-command.ts';
import type { HoldContents } from '../../domain/hold-contents.ts';
import type { HoldStore } from '../../domain/hold-store.ts';
import { createId } from '../../domain/id.ts';
import { Problem } from '../../domain/problem.ts';
import type { SenderStore } from '../../domain/sender.ts';
import type { System } from '../../domain/system.ts';
import { allAware, askAgain } from './all-aware.ts';
import { asksAgain } from './asks-again.ts';
import { CapturedAnswer } from './captured-answer.ts';
import type { Forwarder } from '../forwarder.ts';
import { headerValue } from '../../domain/headers.ts';
import type { OutcomeCommand, Outcomes } from './outcomes.ts';
import { resendAfter } from './attempts.ts';
import { askingOf, type Asking, type Messages } from '../mcp/messages.ts';
import { createSendInSession } from '../mcp/own-session.ts';
import { sampled } from '../sampled-answer.ts';
import type { UpstreamSink } from '../../domain/upstream-sink.ts';
import type { Delivery } from '../../wire/delivery.ts';

/** Milliseconds for which the end of an answer waits until the outcome is recorded. */
const RECORDED_WITHIN = 1_000;

/** `delivery` is null if this release sent nothing; the hold then says why. */
export type Released = { readonly hold: CallHold; readonly delivery: Delivery | null };

export type Releaser = {
  /**
   * Releases one approved hold and streams the answer to the attached caller, if any.
   * @throws Problem if nothing was sent: the policy cannot decide, or the store is unavailable or damaged
   */
  release(hold: CallHold, attached: UpstreamSink | null, send?: Forwarder['send']): Promise<Released>;
  /**
   * Sends a call of unknown outcome once more: the same bytes under the same key. If policy objects now, leaves the
   * outcome to people.
   * @throws as `release`
   */
  resend(hold: CallHold): Promise<CallHold>;
  /** Whether this process is releasing the hold now. */
  isReleasing(holdId: string): boolean;
};

/**
 * Releases approved holds, each at most once. The order makes a crash harmless: policy decides again, every process that
 * could send the same call has heard of the hold, one compare-and-swap commits the attempt, and only then the first byte
 * goes upstream.
 *
 * A process that dies after the commit leaves the hold `releasing`, and it becomes `indeterminate`. The call is sent
 * again only if its system is declared idempotent.
 */
export function createReleaser(deps: {
  readonly holds: Pick<HoldStore, 'apply'>;
  readonly contents: Pick<HoldContents, 'call'>;
  readonly senders: Pick<SenderStore, 'unaware'>;
  /** Decides again, and counts what the call may cost if it is sent. */
  readonly judge: JudgeAgain;
  readonly forwarder: Forwarder;
  readonly outcomes: Outcomes;
  readonly meter: Meter;
  /** Told each call that is sent for the first time. */
  readonly released: (system: string, digest: string) => void;
  readonly digest: DigestAction;
  readonly messages: Pick<Messages, 'through'>;
  readonly systems: ReadonlyMap<string, Pick<System, 'idempotent' | 'mcp'>>;
  /** Why the agent may no longer make this call, or it would go elsewhere; null if it may. */
  readonly whyNotPermitted: (hold: CallHold) => string | null;
  /** Whether everything is stopped: then an approved call waits, and is released once that is lifted. */
  readonly isStopped: () => boolean;
  /** Names this process in the attempt, so that its unfinished attempts are found after it dies. */
  readonly by: string;
  readonly clock: Clock;
}): Releaser {
  const {
    holds,
    contents,
    senders,
    judge,
    forwarder,
    outcomes,
    meter,
    released,
    digest,
    messages,
    systems,
    whyNotPermitted,
    isStopped,
    by,
    clock,
  } = deps;
  /** Ids of the holds that this process is releasing. */
  const releasing = new Set<string>();

  async function apply(hold: CallHold, command: HoldCommand): Promise<CallHold> {
    const result = await holds.apply(hold.id, command);
    return latest(hold, result);
  }

  /** The approved call, and the objection to sending it now, if any. Its `settle` must be called in the end. */
  async function judgeHeld(hold: CallHold, wasSent: boolean): Promise<Judged> {
    const call = await contents.call(hold.id);
    if (!call) throw new Problem('internal', { cause: new Error(`the call of ${hold.id} is not stored`) });
    const reason = whyNotPermitted(hold) ?? whyAnotherCall(hold, call);
    const objectionOf = (decision: Decision) =>
      reason
        ? ({ type: 'supersede', reason, policyRevision: decision.policyRevision } as const)
        : asksAgain(hold, decision);
    const { decision, input, settle } = await judge({
      ...call,
      digest: wasSent ? null : hold.digest,
      isSent: (decision) => decision.fault === null && objectionOf(decision) === null,
    });
    try {
      const { fault, policyRevision, cost } = decision;
      if (fault !== null) throw new Problem('policy-unavailable', { cause: new Error(fault) });
      const request = forwarder.prepare({ ...call, system: hold.system, operation: hold.operation }, decision);
      const asking = askingOf(hold, call, systems.get(hold.system));
      return { request, objection: objectionOf(decision), policyRevision, cost, input, asking, settle };
    } catch (error) {
      settle(null);
      throw error;
    }
  }

  /**
   * Approval binds to the digest alone. The stored call is sealed, so if it has another one now, a new configuration of
   * its system sends or drops other headers.
   */
  function whyAnotherCall(hold: CallHold, call: HeldCall): string | null {
    return [digest(hold, call), digest.earlier(hold, call)].includes(hold.digest)
      ? null
      : `the system ${hold.system} would now get other headers of the call than those that were approved`;
  }

  /**
   * Commits the attempt. If the store fails meanwhile, the attempt may or may not be committed. Nothing is sent either
   * way, and the hold records that once the store is back.
   */
  async function begin(hold: CallHold, command: Extract<HoldCommand, { type: 'release' | 'resend' }>) {
    try {
      return await holds.apply(hold.id, command);
    } catch (error) {
      outcomes.withdraw(hold, unsent(hold, command.attempt, 'store-unavailable'));
      throw error;
    }
  }

  async function send(hold: CallHold, attempt: string, { request, cost, input, asking, settle }: Judged, to: Receiver) {
    const answer = new CapturedAnswer(to.attached);
    const judged = asking ? messages.through(asking, answer) : answer;
    const sample = meter.sample(hold);
    const send = asking?.mcp.era === 'legacy' ? createSendInSession(to.send) : to.send;
    const delivery = await send(hold.system, request, sampled(judged, sample));
    const { callId: id, system, operation } = hold;
    const measurement = await meter.measure({ id, system, operation, input }, cost, sample, delivery);
    settle(measurement.cost);
    const recorded = outcomes.record(hold, outcomeOf(hold, attempt, delivery, answer, measurement));
    await Promise.race([recorded, sleep(RECORDED_WITHIN, undefined, { ref: false })]);
    answer.passOn();
    return { hold: await recorded, delivery };
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
    // A status line means that the system executed the call, even if the rest of its answer is lost.
    if (delivery.status > 0) {
      const response = answer.response;
      const complete = response.complete && !delivery.problem;
      const told = { notes: answer.notes, tellingBy: answer.isTaken ? by : null };
      return { type: 'executed', attempt, response: { ...response, complete }, ...told, ...measurement };
    }
    return unknown(hold, attempt, reason);
  }

  /** Only a first attempt proves that the call was not sent: an earlier one may have arrived. */
  function unsent(hold: CallHold, attempt: string, reason: string): OutcomeCommand {
    const isFirst = hold.execution === 'none' || hold.attempt?.number === 1;
    return isFirst ? { type: 'failed', attempt, reason } : unknown(hold, attempt, reason);
  }

  function unknown(hold: CallHold, attempt: string, reason: string): OutcomeCommand {
    const wait = systems.get(hold.system)?.idempotent ? resendAfter(hold.attempt?.number ?? 1) : null;
    return { type: 'indeterminate', attempt, reason, resendAt: wait === null ? null : clock() + wait };
  }

  /**
   * Marks the hold as being released here, and judges it. Between processes, the compare-and-swap decides. What was
   * counted for a call that `work` did not send is taken back.
   */
  async function judged<T>(hold: CallHold, wasSent: boolean, work: (judged: Judged) => Promise<T>): Promise<T> {
    releasing.add(hold.id);
    try {
      const judged = await judgeHeld(hold, wasSent);
      return await work(judged).finally(() => judged.settle(null));
    } finally {
      releasing.delete(hold.id);
    }
  }

  return {
    async release(hold, attached, sendBy = forwarder.send) {
      if (isStopped()) return { hold, delivery: null };
      return await judged(hold, false, async (judged) => {
        const { request, objection, policyRevision } = judged;
        if (objection?.type === 'supersede') return { hold: await apply(hold, objection), delivery: null };
        const aware = isSafe(hold.method) ? 'all' : await allAware(senders, hold);
        if (aware === 'not yet') return { hold, delivery: null };
        const again = aware === 'all' ? objection : askAgain(hold, objection, aware.lost, policyRevision);
        if (again) return { hold: await apply(hold, again), delivery: null };

        const attempt = createId('att');
        const own = headerValue(request.headers, 'idempotency-key');
        if (own === null) request.headers.push('idempotency-key', attempt);
        const begun = await begin(hold, { type: 'release', attempt, by, key: own ?? attempt, policyRevision });
        // Another process released the hold first, or a person changed it meanwhile.
        if (isRefusal(begun)) return { hold: latest(hold, begun), delivery: null };
        released(hold.system, hold.digest);
        return send(assertCall(begun), attempt, judged, { attached, send: sendBy });
      });
    },
    async resend(hold) {
      if (isStopped()) return hold;
      return await judged(hold, true, async (judged) => {
        const { request, objection, policyRevision } = judged;
        if (objection) return apply(hold, { type: 'leave-to-people', reason: objection.reason });

        const attempt = createId('att');
        const key = hold.attempt?.key;
        if (key === undefined) throw new Error(`${hold.id} was never sent`);
        if (headerValue(request.headers, 'idempotency-key') === null) request.headers.push('idempotency-key', key);
        const begun = await begin(hold, { type: 'resend', attempt, by, policyRevision });
        if (isRefusal(begun)) return latest(hold, begun);
        return (await send(assertCall(begun), attempt, judged, { attached: null, send: forwarder.send })).hold;
      });
    },
    isReleasing: (holdId) => releasing.has(holdId),
  };
}

/** The hold as it stands after a command, or after its refusal. */
function latest(hold: CallHold, result: Hold | HoldRefusal): CallHold {
  return assertCall(isRefusal(result) ? (result.hold ?? hold) : result);
}

/** An approved call, judged again: the request to send, and what metering needs. */
type Judged = {
  readonly request: Parameters<Forwarder['send']>[1];
  /** The input that policy judged. */
  readonly input: string;
  /** Set for a message of MCP. */
  readonly asking: Asking | null;
  readonly cost: Cost | null;
  readonly settle: JudgedAgain['settle'];
  readonly policyRevision: string;
  readonly objection: Extract<HoldCommand, { type: 'supersede' | 'reopen' }> | null;
};

/** The attached caller, if any, and the function that sends the call. */
type Receiver = { readonly attached: UpstreamSink | null; readonly send: Forwarder['send'] };
