import { isApprovalOf } from './quorum.ts';
import type { Hold, HoldCommand, HoldRefusal, RejectCode } from '../domain/hold.ts';
import type { Reviewer } from '../domain/principal.ts';

/** A condition on a transition. Returns why the command is refused, or null when it may go on. */
export type Guard = {
  /** For the printed table. */
  readonly name: string;
  readonly check: (hold: Hold, command: HoldCommand, now: number) => Pick<HoldRefusal, 'refused' | 'detail'> | null;
};

type ReviewersCommand = { readonly by: Reviewer; readonly revision: number; readonly code?: RejectCode };

const forbidden = (detail: string) => ({ refused: 'forbidden' as const, detail });
const wrongState = (detail: string) => ({ refused: 'state' as const, detail });
const iso = (at: number) => new Date(at).toISOString();

/** A guard over the commands that people give. A command without a person can only get here by a mistake in the table. */
function personal(name: string, check: (hold: Hold, command: ReviewersCommand) => ReturnType<Guard['check']>): Guard {
  return {
    name,
    check: (hold, command) =>
      command.type === 'approve' || command.type === 'reject'
        ? check(hold, command)
        : forbidden('Only a reviewer may do this.'),
  };
}

export const hasReviewerRole = personal('role reviewer', (_hold, { by }) =>
  by.roles.includes('reviewer') ? null : forbidden(`${by.id} does not have the role reviewer.`),
);

export const isInGroup = personal('member of a named group', ({ terms }, { by }) =>
  terms.reviewers.length === 0 || terms.reviewers.some((group) => by.groups.includes(group))
    ? null
    : forbidden(`Only ${terms.reviewers.join(', ')} may decide on this; ${by.id} is in none of them.`),
);

/** Four eyes: whoever asked for the action, in person or through an agent of theirs, must not be who approves it. */
export const fourEyes = personal('four eyes', ({ principal, terms }, { by }) => {
  if (by.id === principal.agent) return forbidden('The agent that made the call may not approve it.');
  if (by.id === principal.owner) {
    return terms.ownerMayApprove
      ? null
      : forbidden(`${by.id} owns the agent ${principal.agent}; somebody else has to approve its calls.`);
  }
  return principal.onBehalfOf.includes(by.id)
    ? forbidden(`The call is made on behalf of ${by.id}; somebody else has to approve it.`)
    : null;
});

export const isApprovable = personal('level 2', ({ terms }) =>
  terms.level === 2
    ? null
    : forbidden('Level 3: a person does this instead of the agent. It can be taken over or rejected, not approved.'),
);

/** What a person has not seen they cannot decide on (`If-Match`). */
export const isCurrentRevision = personal('current revision', (hold, { revision }) =>
  revision === hold.revision
    ? null
    : {
        refused: 'stale',
        detail: `The hold is at revision ${hold.revision}, the decision was made on ${revision}. Read it again.`,
      },
);

export const isFirstVote = personal('one person counts once', (hold, { by }) => {
  const earlier = hold.votes.find((vote) => isApprovalOf(hold, vote) && vote.reviewer === by.id);
  return earlier
    ? wrongState(`${by.id} approved revision ${hold.revision} at ${iso(earlier.at)}; one person counts once.`)
    : null;
});

/** The clock decides, not the timer: a timer that is late must not keep an approval possible. */
export const isInTime: Guard = {
  name: 'before expires_at',
  check: (hold, _command, now) =>
    now < hold.expiresAt ? null : wrongState(`Expired at ${iso(hold.expiresAt)}; nobody decided in time.`),
};

export const isOverdue: Guard = {
  name: 'at or after expires_at',
  check: (hold, _command, now) =>
    now >= hold.expiresAt ? null : wrongState(`Not due: it expires at ${iso(hold.expiresAt)}.`),
};

export const isRedeemable: Guard = {
  name: 'before redeem_by',
  check: ({ redeemBy }, _command, now) => {
    if (redeemBy === null) return wrongState('The approval has no redeem_by.');
    return now < redeemBy ? null : wrongState(`The approval lapsed at ${iso(redeemBy)}; nobody collected it.`);
  },
};

export const isUncollected: Guard = {
  name: 'at or after redeem_by',
  check: ({ redeemBy }, _command, now) =>
    redeemBy !== null && now >= redeemBy
      ? null
      : wrongState(`Not due: it may be redeemed until ${redeemBy === null ? 'it is approved' : iso(redeemBy)}.`),
};

/** Only the attempt that holds the release may say what became of it, or a late process could overwrite the truth. */
export const isSameAttempt: Guard = {
  name: 'same attempt',
  check: ({ attempt }, command) =>
    'attempt' in command && attempt?.id === command.attempt
      ? null
      : wrongState(`Another attempt${attempt ? ` (by ${attempt.by} at ${iso(attempt.at)})` : ''} holds the release.`),
};
