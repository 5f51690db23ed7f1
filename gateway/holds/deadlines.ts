import type { Hold } from '../domain/hold.ts';
import type { HoldCommand } from '../domain/hold-command.ts';

type Ending = Extract<HoldCommand, { type: 'expire' | 'lapse' }>;
type Timed = Extract<HoldCommand, { type: 'expire' | 'lapse' | 'escalate-due' | 'remind' }>;

/** The command that ends a hold past its deadline; null before. The timer may be late. */
export function overdueCommand(hold: Hold, now: number): Ending | null {
  if (hold.status === 'pending') return now >= hold.expiresAt ? { type: 'expire' } : null;
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
  return uncollectedUntil(hold);
}

/** Until when an approval that was not redeemed yet may be redeemed; null when there is none. */
function uncollectedUntil(hold: Hold): number | null {
  return hold.kind === 'approval' && hold.status === 'approved' && hold.execution === 'none' ? hold.redeemBy : null;
}
