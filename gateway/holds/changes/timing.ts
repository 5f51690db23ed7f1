import type { CallHold, Hold } from '../../domain/hold.ts';
import { overdueCommand } from '../deadlines.ts';
import { asked, nextStepAt, stepsDue, stepsLeft } from '../escalation.ts';
import { byGateway, changed, heldFor, settled, type Change } from './change.ts';

export function remind(hold: Hold, now: number): Change {
  return changed(hold, { remindAt: null }, { type: 'hold.reminded', ...byGateway, ...heldFor(hold, now) });
}

/** Groups that a person has brought in already are not asked twice, and are no event. */
export function escalateDue(hold: Hold, now: number): Change {
  const due = stepsDue(hold, now);
  const escalateAt = nextStepAt(hold.terms, hold.askedAt, now);
  if (due.length === 0) return changed(hold, { escalateAt });
  return changed(
    hold,
    { escalations: [...hold.escalations, ...due], escalateAt },
    { type: 'hold.escalated', ...byGateway, reason: reached(due), ...heldFor(hold, now) },
  );
}

/** Ends the hold; or, once and where policy says so, asks everybody left in the chains and waits as long again. */
export function expire(hold: Hold, now: number): Change {
  if (hold.terms.onExpiry !== 'escalate' || hold.extended) {
    const step = { type: 'hold.expired', ...byGateway, ...heldFor(hold, now) } as const;
    return changed(hold, { ...settled(now), status: 'expired' }, step);
  }
  const left = stepsLeft(hold, now);
  const { remindAt, expiresAt } = asked(hold.terms, now);
  const reason = ['expired', ...(left.length > 0 ? [reached(left)] : [])].join(', ');
  return changed(
    hold,
    { escalations: [...hold.escalations, ...left], escalateAt: null, remindAt, expiresAt, extended: true },
    { type: 'hold.escalated', ...byGateway, reason, ...heldFor(hold, now) },
  );
}

export function lapse(hold: CallHold, now: number): Change {
  const step = { type: 'hold.lapsed', ...byGateway, ...heldFor(hold, now) } as const;
  return changed(hold, { ...settled(now), status: 'lapsed' }, step);
}

/**
 * The hold with the time that it had left when everything was stopped. Null when that had been over before, or no clock of
 * it runs.
 */
export function goOn(hold: Hold, stoppedAt: number, now: number): Change | null {
  if (overdueCommand(hold, stoppedAt)) return null;
  if (hold.status === 'pending') {
    const stood = Math.max(0, now - Math.max(stoppedAt, hold.askedAt));
    const later = (at: number | null) => (at === null ? null : at + stood);
    return changed(hold, {
      askedAt: hold.askedAt + stood,
      slaAt: hold.slaAt + stood,
      expiresAt: hold.expiresAt + stood,
      remindAt: later(hold.remindAt),
      escalateAt: later(hold.escalateAt),
    });
  }
  if (hold.kind !== 'approval' || hold.status !== 'approved' || hold.redeemBy === null) return null;
  const stood = Math.max(0, now - Math.max(stoppedAt, hold.decidedAt ?? stoppedAt));
  return changed(hold, { redeemBy: hold.redeemBy + stood });
}

function reached(steps: readonly { readonly to: readonly string[] }[]): string {
  return `to ${[...new Set(steps.flatMap(({ to }) => to))].join(', ')}`;
}
