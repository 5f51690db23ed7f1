import type { IncomingHttpHeaders } from 'node:http';
import type { Call } from '../domain/call.ts';
import type { Clock } from '../domain/clock.ts';
import type { Decision } from '../domain/decision.ts';
import type { Completion, Exchange } from '../domain/exchange.ts';
import type { HeldCall, Hold, HoldStore } from '../domain/hold.ts';
import { Problem, type ProblemCode } from '../domain/problem.ts';
import type { System } from '../domain/system.ts';
import { AgentAnswer } from './agent-answer.ts';
import { complete } from './completion.ts';
import { holdLocation, sendProblem } from './refuse.ts';
import type { DigestAction, Release } from './release.ts';
import { writeHeldResponse } from './held-response.ts';
import type { Forwarder } from './forwarder.ts';
import type { WaitingRoom } from './waiting-room.ts';

/** Seconds after which a caller who was sent away should ask again; SDKs honour at most 60. */
const RETRY_AFTER = 5;

/** How a hold that will never be executed is told to the agent. */
const ENDINGS: Partial<Record<Hold['status'], ProblemCode>> = {
  rejected: 'rejected',
  expired: 'expired',
  lapsed: 'expired',
  cancelled: 'cancelled',
  superseded: 'superseded',
  'taken-over': 'taken-over',
};

export type HoldPoint = (call: Call, decision: Decision, exchange: Exchange) => Promise<Completion>;

/**
 * Stops a call at its hold point: stored before anyone is told, then the caller waits for people to decide, and what
 * they approved is released once. An identical retry finds the same hold.
 */
export function createHoldPoint(deps: {
  readonly store: HoldStore;
  readonly room: WaitingRoom;
  readonly release: Release;
  readonly digest: DigestAction;
  readonly systems: ReadonlyMap<string, System>;
  readonly clock: Clock;
}): HoldPoint {
  const { store, room, release, digest, systems, clock } = deps;

  async function open(call: Call, decision: Decision, handle: boolean): Promise<Hold> {
    const { principal, system, operation, method, path, idempotencyKey, traceId } = call;
    const { rules, reason, policyRevision, terms } = decision;
    if (!terms) throw new Error('a decision to hold has terms');
    const held: HeldCall = { method, target: call.target, headers: call.headers, body: call.body, input: call.input };
    const ids = { callId: call.id, decisionId: decision.id, digest: digest(call, call), idempotencyKey, traceId };
    const subject = { principal, system, operation, method, path };
    const { hold } = await store.open({ ...subject, ...ids, rules, reason, policyRevision, terms, handle, call: held });
    return hold;
  }

  return async (call, decision, exchange) => {
    const { response } = exchange;
    const prefer = readPrefer(exchange.request.headers);
    const patience = Math.min(systems.get(call.system)?.wait ?? 0, prefer.wait ?? Infinity);
    const async = prefer.async && !exchange.tunnel;
    const heldSince = clock();

    // It may have left while its call was recorded: then it does not wait, and nothing is released for it.
    let gone = response.destroyed;
    const deadline = heldSince + (gone || (async && prefer.wait === null) ? 0 : patience);
    const leavers: (() => void)[] = [];
    response.once('close', () => {
      gone = !response.writableFinished;
      for (const leave of leavers) leave();
    });

    let hold = await open(call, decision, async);
    const ended = (status: number, rest: Partial<Completion> = {}): Completion =>
      complete(status, { holdId: hold.id, heldMs: clock() - heldSince, ...rest });
    const refused = (problem: Problem, extras: { retry_after?: number } = {}): Completion => {
      sendProblem(response, withHold(problem, hold, extras), decision.id, 'hold');
      return ended(problem.status, { code: problem.code, cause: problem.cause });
    };

    for (;;) {
      hold = await room.wait(hold, deadline - clock(), (leave) => leavers.push(leave));
      if (gone) return ended(0);
      if (hold.status !== 'approved' || hold.execution !== 'none') break;

      // A loss here means that somebody else released it or that policy asks again: then it is looked at anew.
      const released = exchange.tunnel
        ? await release(hold, null, handOver(exchange.tunnel))
        : await release(hold, new AgentAnswer(response, decision.id, 'hold'));
      hold = released.hold;
      if (!released.delivery) continue;
      const { status, bytes, upstreamMs, problem } = released.delivery;
      if (!problem) return ended(gone ? 0 : status, { responseBytes: bytes, upstreamMs });
      return refused(problem);
    }

    if (hold.execution === 'executed' || hold.execution === 'confirmed-executed') {
      const kept = await store.response(hold.id);
      if (!kept?.complete) return refused(new Problem('already-executed'));
      writeHeldResponse(response, kept, decision.id);
      return ended(kept.status, { responseBytes: kept.body.length });
    }
    if (hold.execution === 'failed') return refused(new Problem('upstream-unreachable'));
    if (hold.execution !== 'none' && hold.execution !== 'releasing') return refused(new Problem('outcome-unknown'));

    const ending = ENDINGS[hold.status];
    if (ending) return refused(new Problem(ending));
    if (room.draining) return refused(new Problem('draining'), { retry_after: 1 });
    if (async) {
      writeAccepted(response, hold, decision.id);
      return ended(202);
    }
    return refused(new Problem('approval-pending'), { retry_after: RETRY_AFTER });
  };
}

/** Releases a held handshake into its tunnel. What flows through it afterwards is no answer that could be kept. */
function handOver(tunnel: NonNullable<Exchange['tunnel']>): Forwarder['send'] {
  return async (system, { target, headers }, answer) => {
    answer.head(101, []);
    void tunnel({ system, target, headers });
    return { status: 101, bytes: 0, upstreamMs: 0, sent: true, problem: null };
  };
}

/** A problem that tells which hold it is about, and what the people who decided on it said. */
function withHold(problem: Problem, hold: Hold, extras: { retry_after?: number }): Problem {
  const code = hold.code === null ? {} : { reviewer_code: hold.code };
  const note = hold.note === null ? {} : { note: hold.note };
  const rule = hold.rules[0] ? { rule: hold.rules[0].id } : {};
  const told = { ...problem.extras, hold_id: hold.id, ...rule, ...code, ...note, ...extras };
  return new Problem(problem.code, { detail: problem.message, cause: problem.cause, extras: told });
}

/** 202 with a handle (RFC 7240 section 4.1): the agent reads the outcome at `Location`, and control releases. */
function writeAccepted(response: Exchange['response'], hold: Hold, decisionId: string): void {
  const body = Buffer.from(JSON.stringify({ hold_id: hold.id, status: hold.status, retry_after: RETRY_AFTER }));
  response.writeHead(202, {
    'content-type': 'application/json',
    'content-length': body.length,
    location: holdLocation(hold.id),
    'retry-after': String(RETRY_AFTER),
    'preference-applied': 'respond-async',
    'holdpoint-decision': decisionId,
    'holdpoint-verdict': 'hold',
  });
  response.end(body);
}

/** `Prefer: respond-async, wait=N` (RFC 7240); N in seconds, returned in milliseconds. */
export function readPrefer(headers: IncomingHttpHeaders): { readonly async: boolean; readonly wait: number | null } {
  const prefer = headers['prefer'];
  if (prefer === undefined) return { async: false, wait: null };
  const preferences = String(prefer)
    .toLowerCase()
    .split(',')
    .map((preference) => preference.trim());
  const wait = preferences.map((preference) => /^wait="?(\d{1,6})"?$/.exec(preference)?.[1]).find(Boolean);
  return { async: preferences.includes('respond-async'), wait: wait === undefined ? null : Number(wait) * 1000 };
}
