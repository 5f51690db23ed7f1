import * as guard from './guards.ts';
import type { Guard } from './guards.ts';
import type { Change } from './changes/change.ts';
import { changes } from './changes/changes.ts';
import type { Hold, HoldExecution, HoldKind, HoldStatus } from '../domain/hold.ts';
import type { HoldCommand, HoldRefusal } from '../domain/hold-command.ts';
import { iso } from '../domain/time.ts';

/** One line of the table of transitions. Guards are asked in their order; the first that objects is the refusal. */
export type Transition = {
  readonly kinds: readonly HoldKind[];
  readonly from: HoldStatus;
  readonly execution: HoldExecution;
  readonly on: HoldCommand['type'];
  /** Status, execution, or both, as people read them. */
  readonly to: string;
  readonly who: string;
  readonly guards: readonly Guard[];
};

const { hasReviewerRole, isAsked, isRecipient, fourEyes, isApprovable, isGrantable, bringsSomebodyIn } = guard;
const { isCurrentRevision, isFirstVote, isNotLeased, holdsLease, mayReport, hasNoOutcome, hasEvidence } = guard;
const { isInTime, isOverdue, isEscalationDue, isReminderDue, isRedeemable, isUncollected } = guard;
const { isSameAttempt, isFirstAttempt, isToBeResent, isLeftToPeople, isOwedToCaller, isBeingTold } = guard;

const reviewing = [hasReviewerRole, isAsked];
const deciding = [...reviewing, isInTime, isCurrentRevision, isNotLeased];
const approving = [...reviewing, fourEyes, isApprovable, isInTime, isCurrentRevision, isNotLeased];
const taking = [isRecipient, isInTime, isCurrentRevision, isNotLeased];

const all: readonly HoldKind[] = ['approval', 'exception', 'relay'];
const call: readonly HoldKind[] = ['approval'];
const asked: readonly HoldKind[] = ['approval', 'exception'];
const question: readonly HoldKind[] = ['exception'];
const relay: readonly HoldKind[] = ['relay'];

/**
 * Every change that a hold can go through; a command that has no line for the hold's state is refused.
 * What people decided and what was executed are two stories: execution leaves `none` only once a hold is approved.
 */
// prettier-ignore
export const transitions: readonly Transition[] = [
  { kinds: asked,    from: 'pending',    execution: 'none',          on: 'claim',           to: 'pending',                       who: 'reviewer',  guards: deciding },
  { kinds: relay,    from: 'pending',    execution: 'none',          on: 'claim',           to: 'pending (in review)',           who: 'recipient', guards: taking },
  { kinds: all,      from: 'pending',    execution: 'none',          on: 'unclaim',         to: 'pending',                       who: 'holder',    guards: [holdsLease] },
  { kinds: all,      from: 'pending',    execution: 'none',          on: 'note',            to: 'pending',                       who: 'reviewer',  guards: [hasReviewerRole] },
  { kinds: call,     from: 'pending',    execution: 'none',          on: 'approve',         to: 'pending, approved with quorum', who: 'reviewer',  guards: [...approving, isFirstVote, isGrantable] },
  { kinds: call,     from: 'pending',    execution: 'none',          on: 'edit',            to: 'pending, next revision',        who: 'reviewer',  guards: approving },
  { kinds: call,     from: 'pending',    execution: 'none',          on: 'reject',          to: 'rejected',                      who: 'reviewer',  guards: deciding },
  { kinds: asked,    from: 'pending',    execution: 'none',          on: 'take-over',       to: 'taken-over',                    who: 'reviewer',  guards: deciding },
  { kinds: question, from: 'pending',    execution: 'none',          on: 'answer',          to: 'answered',                      who: 'reviewer',  guards: deciding },
  { kinds: question, from: 'pending',    execution: 'none',          on: 'reject',          to: 'rejected',                      who: 'reviewer',  guards: deciding },
  { kinds: relay,    from: 'pending',    execution: 'none',          on: 'accept',          to: 'accepted',                      who: 'recipient', guards: taking },
  { kinds: relay,    from: 'pending',    execution: 'none',          on: 'return',          to: 'returned',                      who: 'recipient', guards: taking },
  { kinds: all,      from: 'pending',    execution: 'none',          on: 'escalate',        to: 'pending',                       who: 'reviewer',  guards: [...deciding, bringsSomebodyIn] },
  { kinds: all,      from: 'pending',    execution: 'none',          on: 'escalate-due',    to: 'pending',                       who: 'timer',     guards: [isEscalationDue] },
  { kinds: all,      from: 'pending',    execution: 'none',          on: 'remind',          to: 'pending',                       who: 'timer',     guards: [isReminderDue] },
  { kinds: all,      from: 'pending',    execution: 'none',          on: 'expire',          to: 'expired; pending once more where on_expiry is escalate', who: 'timer', guards: [isOverdue] },
  { kinds: all,      from: 'pending',    execution: 'none',          on: 'cancel',          to: 'cancelled',                     who: 'agent, owner, operator', guards: [] },
  { kinds: all,      from: 'pending',    execution: 'none',          on: 'supersede',       to: 'superseded',                    who: 'policy, kill switch',    guards: [] },
  { kinds: all,      from: 'pending',    execution: 'none',          on: 'give-handle',     to: 'pending',                       who: 'gateway',   guards: [] },
  { kinds: call,     from: 'pending',    execution: 'none',          on: 'redeem',          to: 'approved',                      who: 'grant',     guards: [isApprovable] },
  { kinds: call,     from: 'approved',   execution: 'none',          on: 'give-handle',     to: 'approved',                      who: 'gateway',   guards: [] },
  { kinds: call,     from: 'approved',   execution: 'none',          on: 'supersede',       to: 'superseded',                    who: 'policy, kill switch',    guards: [] },
  { kinds: call,     from: 'approved',   execution: 'none',          on: 'reopen',          to: 'pending, next revision',        who: 'policy',    guards: [] },
  { kinds: call,     from: 'approved',   execution: 'none',          on: 'lapse',           to: 'lapsed',                        who: 'timer',     guards: [isUncollected] },
  { kinds: call,     from: 'approved',   execution: 'none',          on: 'release',         to: 'releasing',                     who: 'gateway',   guards: [isRedeemable] },
  { kinds: call,     from: 'approved',   execution: 'releasing',     on: 'executed',        to: 'executed',                      who: 'gateway',   guards: [isSameAttempt] },
  { kinds: call,     from: 'approved',   execution: 'releasing',     on: 'failed',          to: 'failed',                        who: 'gateway',   guards: [isSameAttempt, isFirstAttempt] },
  { kinds: call,     from: 'approved',   execution: 'releasing',     on: 'indeterminate',   to: 'indeterminate',                 who: 'gateway',   guards: [isSameAttempt] },
  { kinds: call,     from: 'approved',   execution: 'indeterminate', on: 'executed',        to: 'executed',                      who: 'gateway',   guards: [isSameAttempt] },
  { kinds: call,     from: 'approved',   execution: 'indeterminate', on: 'resend',          to: 'releasing',                     who: 'gateway',   guards: [isToBeResent] },
  { kinds: call,     from: 'approved',   execution: 'indeterminate', on: 'leave-to-people', to: 'indeterminate',                 who: 'gateway',   guards: [] },
  { kinds: call,     from: 'approved',   execution: 'indeterminate', on: 'outcome',         to: 'confirmed-executed, confirmed-not', who: 'reviewer, owner, operator', guards: [mayReport, isLeftToPeople, hasEvidence] },
  { kinds: call,     from: 'approved',   execution: 'indeterminate', on: 'read-back',       to: 'confirmed-executed, confirmed-not', who: 'read-back', guards: [isLeftToPeople] },
  { kinds: asked,    from: 'taken-over', execution: 'none',          on: 'outcome',         to: 'taken-over',                    who: 'reviewer',  guards: [mayReport, hasNoOutcome] },
  ...owedAs('approved', 'executed'),
  ...owedAs('approved', 'confirmed-executed'),
  ...owedAs('expired', 'none'),
  ...owedAs('taken-over', 'none'),
];

/** How the caller of a call that ended so is told. */
function owedAs(from: HoldStatus, execution: HoldExecution): readonly Transition[] {
  const to = execution === 'none' ? from : execution;
  const line = { kinds: call, from, execution, to, who: 'gateway' } as const;
  const told = { ...line, on: 'told', who: 'gateway, timer', guards: [isOwedToCaller] } as const;
  if (execution === 'none') return [told];
  return [{ ...line, on: 'tell', guards: [isOwedToCaller] }, told, { ...line, on: 'missed', guards: [isBeingTold] }];
}

/**
 * What becomes of a hold when a command meets it. Pure: `now` (milliseconds since the epoch) is the only clock, and
 * the caller commits the result by compare-and-swap on `version`, so of two commands only one ever takes effect.
 */
export function transition(hold: Hold, command: HoldCommand, now: number): Change | HoldRefusal {
  const line = transitions.find(
    ({ kinds, from, execution, on }) =>
      kinds.includes(hold.kind) && from === hold.status && execution === hold.execution && on === command.type,
  );
  if (!line) return { refused: 'state', detail: settledDetail(hold, command, now), hold };
  for (const { check } of line.guards) {
    const refusal = check(hold, command, now);
    if (refusal) return { ...refusal, hold };
  }
  return changes(hold, command, now);
}

/** Says who was first, and when. */
function settledDetail(hold: Hold, command: HoldCommand, now: number): string {
  const by = hold.decidedBy ? ` by ${hold.decidedBy}` : '';
  const at = hold.decidedAt === null ? '' : ` at ${iso(hold.decidedAt)}`;
  switch (hold.status) {
    case 'pending':
      if (now >= hold.expiresAt) return `Expired at ${iso(hold.expiresAt)}; no reviewer decided in time.`;
      return transitions.some(({ on, kinds }) => on === command.type && kinds.includes(hold.kind))
        ? `It is not decided yet, so ${command.type} is not possible.`
        : `This is ${hold.kind === 'approval' ? 'a call waiting for approval' : `a hold of kind ${hold.kind}`}; ${command.type} does not apply to it.`;
    case 'approved': {
      const attempt = hold.kind === 'approval' ? hold.attempt : null;
      const sent = attempt ? ` (${hold.execution} since ${iso(attempt.at)})` : '';
      return `Already approved${by}${at}${sent}.`;
    }
    case 'lapsed':
      return `The approval lapsed${at}; the caller did not collect the call in time.`;
    case 'expired':
      return `Expired${at}; no reviewer decided in time.`;
    default:
      return `Already ${hold.status}${by}${at}.`;
  }
}
