import type { Decision } from '../../domain/decision.ts';
import type { Completion } from '../../domain/completion.ts';
import type { CallHold, Hold } from '../../domain/hold.ts';
import type { HoldContents } from '../../domain/hold-contents.ts';
import type { HoldStore } from '../../domain/hold-store.ts';
import { Problem } from '../../domain/problem.ts';
import type { Reply, Tunnel } from '../../domain/reply.ts';
import type { System } from '../../domain/system.ts';
import type { Forwarder } from '../forwarder.ts';
import type { Answered, Links } from '../links/links.ts';
import type { Released, Releaser } from '../release/release.ts';
import { endOf, isCall } from './held-end.ts';
import { HeldRequest } from './held-request.ts';
import type { Cancellations } from './cancellations.ts';
import type { Patience } from './patience.ts';
import type { Tellings } from './tellings.ts';
import { isSettled, snapshot, type HoldSnapshot, type HoldWaiters } from './hold-waiters.ts';

/** Milliseconds until a release that could not begin is retried. */
const RETRY = 500;

/**
 * A hold, when its caller began to wait (`performance.now()`), which client the caller is, if that matters, and how the
 * client names its request, if it may cancel it.
 */
export type HeldSince = {
  readonly hold: CallHold;
  readonly since: number;
  readonly client?: string;
  readonly request?: string;
};

/**
 * Serves the caller of a held call. The caller waits for reviewers, at most its system's `wait`. An approved call is
 * released once. The caller is then told how the hold ended.
 */
export function createServeHeldCall(deps: {
  readonly holds: Pick<HoldStore, 'find'>;
  readonly contents: Pick<HoldContents, 'response'>;
  readonly waiters: HoldWaiters;
  readonly patience: Patience;
  readonly cancellations: Cancellations;
  readonly tellings: Tellings;
  readonly releaser: Releaser;
  readonly links: Links;
  readonly systems: ReadonlyMap<string, Pick<System, 'wait'>>;
}): (held: HeldSince, decision: Decision, reply: Reply) => Promise<Completion> {
  const { holds, contents, waiters, patience, cancellations, tellings, releaser, links, systems } = deps;

  /**
   * Null when the release cannot begin now: the store is unavailable, or this process is already releasing the hold.
   */
  async function tryRelease(hold: CallHold, request: HeldRequest): Promise<Released | null> {
    const { reply } = request;
    if (releaser.isReleasing(hold.id)) return null;
    try {
      return reply.tunnel
        ? await releaser.release(hold, null, handOver(reply.tunnel, hold.principal.agent))
        : await releaser.release(hold, links.through(answered(hold, reply), request.answer(hold)));
    } catch (error) {
      if (error instanceof Problem && error.code === 'store-unavailable') return null;
      throw error;
    }
  }

  /** Waits, and releases the call once it is approved. Ends with a completion if the caller got the answer itself. */
  async function stay(arrived: Hold | HoldSnapshot, request: HeldRequest): Promise<Completion | Hold | HoldSnapshot> {
    let hold = arrived;
    while (!request.gone) {
      hold = await waiters.wait(hold, request.timeLeft, request);
      if (request.gone || hold.status !== 'approved' || hold.execution !== 'none' || !isCall(hold)) break;

      const { version } = hold;
      const released = await tryRelease(hold, request);
      if (released) hold = released.hold;
      if (released?.delivery) {
        tellings.follow(released.hold, request, true);
        const { status, bytes, upstreamMs, problem } = released.delivery;
        if (!problem) return request.end(hold, request.gone ? 0 : status, { responseBytes: bytes, upstreamMs });
        const isSentAgain = hold.execution === 'indeterminate' && !isSettled(hold);
        if (!isSentAgain) return request.refuse(hold, problem);
      } else if (hold.version === version) {
        if (request.timeLeft <= 0 || waiters.draining) break;
        const isNewer = (latest: HoldSnapshot) => latest.version > version;
        hold = await waiters.wait(hold, Math.min(request.timeLeft, RETRY), request, isNewer);
      }
      // Another process released the hold, or policy asks for approval again: loop.
    }
    return hold;
  }

  /**
   * Before a caller is told that its hold is not over, the store is asked: another process may have decided or executed
   * it, and this one may not have heard yet. While the store cannot be read, the caller is told what was known last.
   */
  async function lookAgain(hold: Hold | HoldSnapshot, request: HeldRequest): ReturnType<typeof stay> {
    const current = await holds.find(hold.id).catch(() => null);
    if (!current || current.version <= hold.version) return hold;
    return isSettled(current) ? await stay(current, request) : current;
  }

  async function serve(
    arrived: Hold | HoldSnapshot,
    request: HeldRequest,
    client: string | undefined,
  ): Promise<Completion> {
    let end = await stay(arrived, request);
    if ('id' in end && !isOver(end) && !request.gone) end = await lookAgain(end, request);
    if (!('id' in end)) return end;
    if (request.gone && client !== undefined) patience.left(client, request.waited);
    if (!request.gone) return await conclude(end, request);
    if (isCall(end)) tellings.follow(end, request);
    return request.end(end, 0);
  }

  async function conclude(latest: Hold | HoldSnapshot, request: HeldRequest): Promise<Completion> {
    const hold = isCall(latest) ? await tellings.begin(latest) : latest;
    const end = await endOf(hold, contents);
    if (isCall(hold)) tellings.follow(hold, request);
    if (end instanceof Problem) return request.refuse(hold, end);
    if (end !== null && isCall(hold)) {
      const { response, notes } = links.stored(answered(hold, request.reply), end);
      return request.give(hold, response, notes);
    }
    if (waiters.draining) return request.refuse(hold, new Problem('draining'), { retry_after: 1 });
    return request.sendAway(hold);
  }

  return ({ hold, since, client, request }, decision, reply) => {
    const wait = systems.get(hold.system)?.wait ?? 0;
    // A caller that says how long it waits is believed.
    const adapts = client !== undefined && reply.preference.wait === null;
    const longest = adapts ? patience.longest(client) : Infinity;
    const held = new HeldRequest(reply, decision.id, since, Math.min(wait, longest));
    if (isSettled(hold)) return serve(hold, held, adapts ? client : undefined);
    held.begin();
    const served = serve(snapshot(hold), held, adapts ? client : undefined);
    if (request === undefined) return served;
    return served.finally(cancellations.onCancelled(request, () => held.hangUp()));
  };
}

/** Settled, and not merely approved: such a hold does not change any more. */
function isOver(hold: HoldSnapshot): boolean {
  return isSettled(hold) && !(hold.status === 'approved' && hold.execution === 'none');
}

function answered({ principal, system, path }: CallHold, reply: Reply): Answered {
  return { agent: principal.agent, system, target: path, reply };
}

/** Releases a held handshake into its tunnel. The messages in the tunnel are not an answer that could be stored. */
function handOver(tunnel: Tunnel, agent: string): Forwarder['send'] {
  return async (system, { target, headers, upstream }, answer) => {
    answer.head(101, []);
    void tunnel({ agent, system, upstream: upstream.url, connect: upstream.connect, target, headers });
    return { status: 101, bytes: 0, upstreamMs: 0, sent: true, problem: null };
  };
}
