import type { CallHold, Hold } from '../../domain/hold.ts';
import type { HoldContents } from '../../domain/hold-contents.ts';
import { Problem, type ProblemCode } from '../../domain/problem.ts';
import { problems } from '../../domain/problems.ts';
import type { HeldEnd } from '../../domain/reply.ts';
import { iso } from '../../domain/time.ts';
import { isSettled, type HoldSnapshot } from './hold-waiters.ts';

/** The problem that the agent gets for a hold that will never be executed. */
const ENDINGS: Partial<Record<Hold['status'], ProblemCode>> = {
  rejected: 'rejected',
  expired: 'expired',
  lapsed: 'expired',
  cancelled: 'cancelled',
  superseded: 'superseded',
  'taken-over': 'taken-over',
};

/** How a held call ended, as its caller is told; null if it has not ended. */
export async function endOf(hold: Hold | HoldSnapshot, contents: Pick<HoldContents, 'response'>): Promise<HeldEnd> {
  switch (hold.execution) {
    case 'executed':
    case 'confirmed-executed': {
      const kept = await contents.response(hold.id).catch(() => null);
      return kept?.complete && isCall(hold) ? kept : new Problem('already-executed');
    }
    case 'failed':
      return new Problem('upstream-unreachable');
    case 'confirmed-not':
      return new Problem('upstream-unreachable', { detail: NOT_DONE });
    case 'indeterminate':
      if (isSettled(hold)) return new Problem('outcome-unknown');
  }
  const ending = ENDINGS[hold.status];
  return ending ? new Problem(ending, because(hold)) : null;
}

export function isCall(hold: Hold | HoldSnapshot): hold is CallHold {
  return 'kind' in hold && hold.kind === 'approval';
}

const NOT_DONE = 'The call did not reach the system. Send it again, with a new Idempotency-Key if it had one.';

const LAPSED =
  'A reviewer approved the call, but its caller did not collect it in time, so it was not sent. Send it again to ask for approval again.';

/**
 * Why the gateway superseded a hold: a blocking policy is not the only reason. Of a rejection, until when it answers
 * identical calls.
 */
function because({ status, note, rejectedUntil }: HoldSnapshot): { detail?: string } {
  if (status === 'rejected' && rejectedUntil !== undefined) {
    return { detail: `${problems.rejected[2]} Until ${iso(rejectedUntil)}, it gets this answer and asks no reviewer.` };
  }
  if (status === 'lapsed') return { detail: LAPSED };
  if (status !== 'superseded' || note === null) return {};
  return { detail: `Superseded: ${note.replace(/\.$/, '')}. Do not send the call again unchanged.` };
}
