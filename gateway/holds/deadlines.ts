import { isOwed, type Hold } from '../domain/hold.ts';
import type { HoldCommand } from '../domain/hold-command.ts';

/** How long an `Idempotency-Key` finds its settled hold, and an answer is kept for its caller; milliseconds. */
export const ANSWER_KEPT = 24 * 3_600_000;

type Ending = Extract<HoldCommand, { type: 'expire' | 'lapse' | 'told' }>;
type Timed = Extract<HoldCommand, { type: 'expire' | 'lapse' | 'told' | 'escalate-due' | 'remind' }>;

/** The command that ends a hold past its deadline, or forgets what is owed too long; null before. The timer may be late. */
export function overdueCommand(hold: Hold, now: number): Ending | null {
  if (hold.status === 'pending') return now >= hold.expiresAt ? { type: 'expire' } : null;
  if (isOwed(hold)) return now >= hold.owed.until ? { type: 'told' } : null;
  const redeemBy = uncollectedUntil(hold);
  return redeemBy !== null && now >= redeemBy ? { type: 'lapse' } : null;
}

/** What the clock asks of a hold now; null when nothing is due. */
export function dueCommand(hold: Hold, now: number): Timed | null {
  const ending = overdueCommand(hold, now);
  if (ending || hold.status !== 'pending') return ending;
  if (hold.escalateAt !== null && now >= hold.escalateAt) return { type: 'escalate-due' };
  return hold.remindAt !== null && now >= hold.remindAt ? { type: 'remind' } : null;
}

/** When `dueCommand` will next ask something; null when never. */
export function dueAt(hold: Hold): number | null {
  if (hold.status === 'pending')
    return Math.min(hold.expiresAt, hold.escalateAt ?? Infinity, hold.remindAt ?? Infinity);
  return isOwed(hold) ? hold.owed.until : uncollectedUntil(hold);
}

/** What the clock shows to people: service level, escalation or end, whichever is first. Null when they need not decide. */
export function decideBy(hold: Hold): number | null {
  return hold.status === 'pending' ? Math.min(hold.slaAt, hold.escalateAt ?? Infinity, hold.expiresAt) : null;
}

/** Until when an approval that was not redeemed yet may be redeemed; null when there is none. */
function uncollectedUntil(hold: Hold): number | null {
  return hold.kind === 'approval' && hold.status === 'approved' && hold.execution === 'none' ? hold.redeemBy : null;
}
