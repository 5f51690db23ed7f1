import type { Hold } from '../../domain/hold.ts';
import { leaseInForce } from '../../domain/lease.ts';

/**
 * Whether a person has turned to the hold after `since`: decided, claimed, voted, wrote a note or escalated. A claim
 * that was given up is none: the hold waits for somebody again.
 * @param seenAt when a person who may decide last looked at it; null when it is not known
 */
export function isAnswered(hold: Hold, since: number, seenAt: number | null, now: number): boolean {
  const { status, lease, votes, notes, escalations } = hold;
  if (status !== 'pending') return true;
  const claimed = leaseInForce(lease, now)?.since ?? 0;
  const acts = [...votes, ...notes, ...escalations.filter(({ by }) => by !== null)].map(({ at }) => at);
  return Math.max(seenAt ?? 0, claimed, ...acts) > since;
}
