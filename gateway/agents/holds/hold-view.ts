import type { HandoffAnswer } from '../../domain/handoff.ts';
import { artifactsOf, recipientOf, type Hold } from '../../domain/hold.ts';
import { leaseInForce } from '../../domain/lease.ts';
import { iso } from '../../domain/time.ts';
import { outcomeView } from '../../enforce/wait/outcome-view.ts';

/** Seconds after which the agent should read an unsettled hold again. */
const RETRY_AFTER = 5;

/** A hold as its agent sees it. It does not tell who may decide, or under which terms. */
export function holdView(hold: Hold, answer: HandoffAnswer | null, now: number) {
  const { kind, status, execution, editors, code, note } = hold;
  const to = recipientOf(hold);
  const moving = hold.execution === 'releasing' || (hold.execution === 'indeterminate' && hold.resendAt !== null);
  return {
    hold_id: hold.id,
    kind,
    status,
    execution,
    revision: hold.revision,
    created_at: iso(hold.createdAt),
    expires_at: iso(hold.expiresAt),
    ...(editors.length > 0 && { edited: true }),
    ...(to !== null && { to }),
    ...(kind === 'relay' && { state: relayState(hold, now) }),
    ...(code !== null && { code }),
    ...(note !== null && { note }),
    ...(hold.rejectedUntil !== undefined && { rejected_until: iso(hold.rejectedUntil) }),
    ...(status === 'answered' && { answer: { option: answer?.option ?? null, data: answer?.data ?? null, note } }),
    ...outcomeView(hold),
    ...((status === 'pending' || moving) && { retry_after: RETRY_AFTER }),
  };
}

/** A relay as its recipient sees it. */
export function relayView(hold: Hold, now: number) {
  const { id, principal, status, lease, createdAt, expiresAt, code, note } = hold;
  return {
    hold_id: id,
    kind: hold.kind,
    from: principal.agent,
    status,
    state: relayState(hold, now),
    created_at: iso(createdAt),
    expires_at: iso(expiresAt),
    ...(isLeased(hold, now) && lease && { claimed_until: iso(lease.until) }),
    ...(code !== null && { code }),
    ...(note !== null && { note }),
    artifacts: artifactsOf(hold),
  };
}

/** Whether a claim on the hold is in force. */
export function isLeased({ lease }: Hold, now: number): boolean {
  return leaseInForce(lease, now) !== null;
}

/** The progress of a pending relay; the status of any other. */
function relayState(hold: Hold, now: number): string {
  if (hold.status !== 'pending') return hold.status;
  return isLeased(hold, now) ? 'in-review' : 'waiting';
}
