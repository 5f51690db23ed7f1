import type { Completion, Exchange } from '../../domain/exchange.ts';
import type { Hold } from '../../domain/hold.ts';
import type { HoldStore } from '../../domain/hold-store.ts';
import { Problem, type ProblemCode } from '../../domain/problem.ts';
import type { System } from '../../domain/system.ts';
import { AgentAnswer } from '../reply/agent-answer.ts';
import type { Forwarder } from '../forwarder.ts';
import type { Released, Releaser } from '../release/release.ts';
import { Visit } from './held-request.ts';
import { glimpse, isSettled, type Glimpse, type WaitingRoom } from './hold-waiters.ts';

/** What could not be released just now is tried again after so many milliseconds. */
const RETRY = 500;

/** How a hold that will never be executed is told to the agent. */
const ENDINGS: Partial<Record<Hold['status'], ProblemCode>> = {
  rejected: 'rejected',
  expired: 'expired',
  lapsed: 'expired',
  cancelled: 'cancelled',
  superseded: 'superseded',
  'taken-over': 'taken-over',
};

/**
 * Sees a caller through at a hold: it waits for people to decide, at the longest its system's `wait` from `since` on
 * (`performance.now()`), what they approved is released once, and the caller is told how it ended.
 */
export type Attend = (hold: Hold, decisionId: string, exchange: Exchange, since: number) => Promise<Completion>;

export function createAttend(deps: {
  readonly store: Pick<HoldStore, 'response'>;
  readonly room: WaitingRoom;
  readonly releaser: Releaser;
  readonly systems: ReadonlyMap<string, Pick<System, 'wait'>>;
}): Attend {
  const { store, room, releaser, systems } = deps;

  /** Null when it could not be tried now: the store is away, or another caller of this process is at it. */
  async function tryRelease(
    hold: Hold,
    { exchange: { response, tunnel }, decisionId }: Visit,
  ): Promise<Released | null> {
    if (releaser.isAtIt(hold.id)) return null;
    try {
      return tunnel
        ? await releaser.release(hold, null, handOver(tunnel, hold.principal.agent))
        : await releaser.release(hold, new AgentAnswer(response, decisionId, 'hold'));
    } catch (error) {
      if (error instanceof Problem && error.code === 'store-unavailable') return null;
      throw error;
    }
  }

  async function stay(arrived: Hold | Glimpse, visit: Visit): Promise<Completion> {
    let hold = arrived;
    while (!visit.gone) {
      hold = await room.wait(hold, visit.patience, visit);
      if (visit.gone || hold.status !== 'approved' || hold.execution !== 'none' || !('terms' in hold)) break;

      const { version } = hold;
      const released = await tryRelease(hold, visit);
      if (released) hold = released.hold;
      if (released?.delivery) {
        const { status, bytes, upstreamMs, problem } = released.delivery;
        if (!problem) return visit.end(hold, visit.gone ? 0 : status, { responseBytes: bytes, upstreamMs });
        const isSentAgain = hold.execution === 'indeterminate' && hold.resendAt !== null;
        if (!isSentAgain) return visit.refuse(hold, problem);
      } else if (hold.version === version) {
        if (visit.patience <= 0 || room.draining) break;
        const isNewer = (latest: Glimpse) => latest.version > version;
        hold = await room.wait(hold, Math.min(visit.patience, RETRY), visit, isNewer);
      }
      // Somebody else released it, or policy asks again: it is looked at anew.
    }
    return visit.gone ? visit.end(hold, 0) : conclude(hold, visit);
  }

  async function conclude(hold: Hold | Glimpse, visit: Visit): Promise<Completion> {
    switch (hold.execution) {
      case 'executed':
      case 'confirmed-executed': {
        const kept = await store.response(hold.id).catch(() => null);
        return kept?.complete ? visit.give(hold, kept) : visit.refuse(hold, new Problem('already-executed'));
      }
      case 'failed':
        return visit.refuse(hold, new Problem('upstream-unreachable'));
      case 'confirmed-not':
        return visit.refuse(hold, new Problem('upstream-unreachable', { detail: NOT_DONE }));
      case 'indeterminate':
        if (isSettled(hold)) return visit.refuse(hold, new Problem('outcome-unknown'));
    }
    const ending = ENDINGS[hold.status];
    if (ending) return visit.refuse(hold, new Problem(ending, because(hold)));
    if (room.draining) return visit.refuse(hold, new Problem('draining'), { retry_after: 1 });
    return visit.sendAway(hold);
  }

  return (hold, decisionId, exchange, since) => {
    const visit = new Visit(exchange, decisionId, since, systems.get(hold.system)?.wait ?? 0);
    return stay(isSettled(hold) ? hold : glimpse(hold), visit);
  };
}

const NOT_DONE =
  'It was found out that the call did not arrive. Send it again, under a new Idempotency-Key if it had one.';

/** Why the gateway itself gave a hold up: it is not always that policy blocks the call. */
function because({ status, note }: Glimpse): { detail?: string } {
  if (status !== 'superseded' || note === null) return {};
  return { detail: `Superseded: ${note.replace(/\.$/, '')}. Do not send the call again unchanged.` };
}

/** Releases a held handshake into its tunnel. What flows through it afterwards is no answer that could be kept. */
function handOver(tunnel: NonNullable<Exchange['tunnel']>, agent: string): Forwarder['send'] {
  return async (system, { target, headers }, answer) => {
    answer.head(101, []);
    void tunnel({ agent, system, target, headers });
    return { status: 101, bytes: 0, upstreamMs: 0, sent: true, problem: null };
  };
}
