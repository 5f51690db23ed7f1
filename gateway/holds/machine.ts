import * as guard from './guards.ts';
import type { Guard } from './guards.ts';
import { changes } from './changes.ts';
import type { Change } from './changes.ts';
import type { Hold, HoldCommand, HoldExecution, HoldRefusal, HoldStatus } from '../domain/hold.ts';

/** One line of the table of transitions. Guards are asked in their order; the first that objects is the refusal. */
export type Transition = {
  readonly from: HoldStatus;
  readonly execution: HoldExecution;
  readonly on: HoldCommand['type'];
  /** Status, execution, or both, as people read them. */
  readonly to: string;
  readonly who: string;
  readonly guards: readonly Guard[];
};

const { hasReviewerRole, isInGroup, fourEyes, isApprovable, isCurrentRevision, isFirstVote } = guard;
const { isInTime, isOverdue, isRedeemable, isUncollected, isSameAttempt } = guard;

const approving = [hasReviewerRole, isInGroup, fourEyes, isApprovable, isInTime, isCurrentRevision, isFirstVote];
const rejecting = [hasReviewerRole, isInGroup, isInTime, isCurrentRevision];

/**
 * Every change that a hold can go through; a command that has no line for the hold's state is refused.
 * What people decided and what was executed are two stories: execution leaves `none` only once a hold is approved.
 */
// prettier-ignore
export const transitions: readonly Transition[] = [
  { from: 'pending',  execution: 'none',      on: 'approve',       to: 'pending, approved with quorum', who: 'reviewer', guards: approving },
  { from: 'pending',  execution: 'none',      on: 'reject',        to: 'rejected',                      who: 'reviewer', guards: rejecting },
  { from: 'pending',  execution: 'none',      on: 'expire',        to: 'expired',                       who: 'timer',    guards: [isOverdue] },
  { from: 'pending',  execution: 'none',      on: 'cancel',        to: 'cancelled',                     who: 'agent',    guards: [] },
  { from: 'pending',  execution: 'none',      on: 'supersede',     to: 'superseded',                    who: 'policy',   guards: [] },
  { from: 'pending',  execution: 'none',      on: 'give-handle',   to: 'pending',                       who: 'gateway',  guards: [] },
  { from: 'approved', execution: 'none',      on: 'give-handle',   to: 'approved',                      who: 'gateway',  guards: [] },
  { from: 'approved', execution: 'none',      on: 'supersede',     to: 'superseded',                    who: 'policy',   guards: [] },
  { from: 'approved', execution: 'none',      on: 'reopen',        to: 'pending, next revision',        who: 'policy',   guards: [] },
  { from: 'approved', execution: 'none',      on: 'lapse',         to: 'lapsed',                        who: 'timer',    guards: [isUncollected] },
  { from: 'approved', execution: 'none',      on: 'release',       to: 'releasing',                     who: 'gateway',  guards: [isRedeemable] },
  { from: 'approved', execution: 'releasing', on: 'executed',      to: 'executed',                      who: 'gateway',  guards: [isSameAttempt] },
  { from: 'approved', execution: 'releasing', on: 'failed',        to: 'failed',                        who: 'gateway',  guards: [isSameAttempt] },
  { from: 'approved', execution: 'releasing', on: 'indeterminate', to: 'indeterminate',                 who: 'gateway',  guards: [isSameAttempt] },
];

/**
 * What becomes of a hold when a command meets it. Pure: `now` (milliseconds since the epoch) is the only clock, and
 * the caller commits the result by compare-and-swap on `version`, so of two commands only one ever takes effect.
 */
export function transition(hold: Hold, command: HoldCommand, now: number): Change | HoldRefusal {
  const line = transitions.find(
    ({ from, execution, on }) => from === hold.status && execution === hold.execution && on === command.type,
  );
  if (!line) return { refused: 'state', detail: settledDetail(hold, command, now), hold };
  for (const { check } of line.guards) {
    const refusal = check(hold, command, now);
    if (refusal) return { ...refusal, hold };
  }
  return changes(hold, command, now);
}

/** Tells whoever came too late who was first, and when. */
function settledDetail(hold: Hold, command: HoldCommand, now: number): string {
  const by = hold.decidedBy ? ` by ${hold.decidedBy}` : '';
  const at = hold.decidedAt === null ? '' : ` at ${new Date(hold.decidedAt).toISOString()}`;
  switch (hold.status) {
    case 'pending':
      return now >= hold.expiresAt
        ? `Expired at ${new Date(hold.expiresAt).toISOString()}; nobody decided in time.`
        : `Nobody has decided on it yet, so it cannot be changed by ${command.type}.`;
    case 'approved': {
      const attempt = hold.attempt ? ` (${hold.execution} since ${new Date(hold.attempt.at).toISOString()})` : '';
      return `Already approved${by}${at}${attempt}.`;
    }
    case 'lapsed':
      return `The approval lapsed${at}; nobody collected it.`;
    case 'expired':
      return `Expired${at}; nobody decided in time.`;
    default:
      return `Already ${hold.status}${by}${at}.`;
  }
}
