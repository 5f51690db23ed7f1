import { recipientOf, type CallHold, type Hold } from '../domain/hold.ts';
import type { HoldCommand, HoldRefusal } from '../domain/hold-command.ts';
import { LONGEST_GRANT, MOST_USES } from '../domain/grant.ts';
import { leaseInForce } from '../domain/lease.ts';
import { mayStayOpen, pathTemplateOf } from '../domain/open-place.ts';
import type { Reviewer, Taker } from '../domain/principal.ts';
import { iso } from '../domain/time.ts';
import { broughtIn } from './escalation.ts';
import { approvals, authority, eligibleGroups } from './quorum.ts';

/** A condition on a transition. Returns why the command is refused, or null when it may go on. */
export type Guard = {
  /** For the printed table. */
  readonly name: string;
  readonly check: (hold: Hold, command: HoldCommand, now: number) => Pick<HoldRefusal, 'refused' | 'detail'> | null;
};

type Refusal = ReturnType<Guard['check']>;

const forbidden = (detail: string) => ({ refused: 'forbidden' as const, detail });
const wrongState = (detail: string) => ({ refused: 'state' as const, detail });
const invalid = (detail: string) => ({ refused: 'invalid' as const, detail });
const list = (words: readonly string[]) => words.join(', ');

/** A guard over the commands that people give. One without a person can only get here by a mistake in the table. */
function personal(
  name: string,
  check: (hold: Hold, by: Reviewer, command: HoldCommand, now: number) => Refusal,
): Guard {
  return {
    name,
    check(hold, command, now) {
      if (!('by' in command) || !isTaker(command.by) || 'agent' in command.by) {
        return forbidden('Only a reviewer may do this.');
      }
      return check(hold, command.by, command, now);
    },
  };
}

/** A guard over what only a call has. A hold without one can only get here by a mistake in the table. */
function ofCall(name: string, check: (hold: CallHold, command: HoldCommand, now: number) => Refusal): Guard {
  return {
    name,
    check: (hold, command, now) =>
      hold.kind === 'approval' ? check(hold, command, now) : wrongState('It has no call.'),
  };
}

export const hasReviewerRole = personal('role reviewer', (_hold, by) =>
  by.roles.includes('reviewer') ? null : forbidden(`${by.id} does not have the role reviewer.`),
);

/** What is sent to one person is theirs alone until it is escalated; everything else is for the asked groups. */
function notAsked(hold: Hold, by: Reviewer): Refusal {
  const to = recipientOf(hold);
  if (to && 'person' in to && hold.escalations.length === 0) {
    const people = [by.id, ...(by.standsInFor ?? []).map(({ id }) => id)];
    return people.includes(to.person)
      ? null
      : forbidden(`This is addressed to ${to.person}. Escalate it to others first.`);
  }
  if (authority(hold, by)) return null;
  return forbidden(
    `Only members of ${list(eligibleGroups(hold) ?? [])} may decide on this; ${by.id} is in none of these groups.`,
  );
}

export const isAsked = personal('asked: in a named group, or in the place of a member', notAsked);

/** Four eyes: a person does not approve what that person asked for, directly or through an agent. */
export const fourEyes = personal('four eyes', (hold, by) => {
  const { principal, terms } = hold;
  // In the place of the owner one has the owner's eyes.
  for (const id of new Set([by.id, authority(hold, by)?.id ?? by.id])) {
    if (id === principal.agent) return forbidden('The agent that made the call may not approve it.');
    if (principal.onBehalfOf.includes(id)) {
      return forbidden(`The call is made on behalf of ${id}. Another person must approve it.`);
    }
    if (id === principal.owner && !terms.ownerMayApprove) {
      return forbidden(`${id} owns the agent ${principal.agent}. Another person must approve its calls.`);
    }
  }
  return null;
});

export const isApprovable: Guard = {
  name: 'level 2',
  check: ({ terms }) =>
    terms.level === 2
      ? null
      : forbidden('Level 3: a person does this instead of the agent. Take it over or reject it.'),
};

/** What a person has not seen they cannot decide on (`If-Match`). */
export const isCurrentRevision: Guard = {
  name: 'current revision',
  check: (hold, command) =>
    'revision' in command && command.revision === hold.revision
      ? null
      : {
          refused: 'stale',
          detail: `The hold is at revision ${hold.revision}; the decision was made on another. Read it again.`,
        },
};

/** One person counts once: neither twice, nor together with a person for whom the reviewer stands in. */
export const isFirstVote = personal('one person counts once', (hold, by) => {
  const as = authority(hold, by)?.id ?? by.id;
  const earlier = approvals(hold).find((vote) => {
    const people = new Set([vote.reviewer, vote.for ?? vote.reviewer]);
    return people.has(by.id) || people.has(as);
  });
  if (!earlier) return null;
  const who = earlier.for === null ? earlier.reviewer : `${earlier.reviewer} for ${earlier.for}`;
  return wrongState(`${who} approved revision ${hold.revision} at ${iso(earlier.at)}; one person counts once.`);
});

/** A lease keeps two reviewers from deciding at once; after its end it keeps no one out. */
export const isNotLeased: Guard = {
  name: 'not claimed by another',
  check(hold, command, now) {
    const lease = leaseInForce(hold.lease, now);
    if (!lease || !('by' in command) || lease.by === takerId(command.by)) return null;
    return {
      refused: 'leased',
      detail: `${lease.by} has claimed this until ${iso(lease.until)}. Wait, or ask ${lease.by} to release it.`,
    };
  },
};

export const holdsLease: Guard = {
  name: 'holder of the lease',
  check(hold, command, now) {
    const lease = leaseInForce(hold.lease, now);
    if (lease && 'by' in command && lease.by === takerId(command.by)) return null;
    return wrongState(lease ? `It is claimed by ${lease.by}.` : 'It is not claimed.');
  },
};

/** A relay to an agent is that agent's; any other is taken by people. */
export const isRecipient: Guard = {
  name: 'the recipient',
  check(hold, command) {
    const by = 'by' in command && isTaker(command.by) ? command.by : null;
    const to = recipientOf(hold);
    if (to && 'agent' in to) {
      return by && 'agent' in by && by.agent === to.agent ? null : forbidden(`It was sent to the agent ${to.agent}.`);
    }
    if (!by || 'agent' in by) return forbidden('It was sent to people.');
    return by.roles.includes('reviewer') ? notAsked(hold, by) : forbidden(`${by.id} does not have the role reviewer.`);
  },
};

export const bringsSomebodyIn: Guard = {
  name: 'a group that cannot decide yet',
  check(hold, command, now) {
    if (command.type !== 'escalate') return null;
    const to = recipientOf(hold);
    if (to && 'agent' in to) return wrongState('It was sent to an agent. Only that agent may accept it.');
    const told = { at: now, by: command.by.id, note: command.note };
    return broughtIn(hold, command.to, told).length > 0
      ? null
      : wrongState(`${list(command.to)} can decide on this already.`);
  },
};

/** An approval that reaches further may only do so where one can go back, and only as far as policy lets people change the call. */
export const isGrantable: Guard = {
  name: 'a grant only where reversible, for what policy leaves open',
  check(hold, command, now) {
    if (command.type !== 'approve' || command.grant === null) return null;
    const { uses, until, open } = command.grant;
    if (hold.terms.reversible !== true || hold.claims.reversible === false) {
      return forbidden(
        'Policy does not mark this as reversible, so each call needs its own approval. Approve it without a grant.',
      );
    }
    const closed = open.filter((place) => !mayStayOpen(hold.terms, place));
    if (closed.length > 0) {
      const mayBe = [...new Set([...hold.terms.editable, ...(hold.terms.open ?? [])])];
      return invalid(`grant.open: ${list(closed)} is pinned; only ${list(mayBe) || 'nothing'} may be left open.`);
    }
    // Each was approved for itself: together they would reach further than any of them.
    if (open.filter((place) => pathTemplateOf(place) !== null).length > 1)
      return invalid('grant.open: only one path may be left open.');
    if (!Number.isInteger(uses) || uses < 1 || uses > MOST_USES)
      return invalid(`grant.uses: expected 1 to ${MOST_USES}.`);
    if (until <= now || until > now + LONGEST_GRANT)
      return invalid(`grant.until: expected a time within the next ${LONGEST_GRANT / 86_400_000} days.`);
    return null;
  },
};

/** Who reports what became of a call must have had to do with it. */
export const mayReport = personal(
  'who took it over, or (outcome unknown) member of an asked group, owner or operator',
  (hold, by) => {
    if (hold.status === 'taken-over') {
      return by.id === hold.decidedBy || by.roles.includes('operator')
        ? null
        : forbidden(`${hold.decidedBy} took this over. Only ${hold.decidedBy} may report its outcome.`);
    }
    const concerned = by.id === hold.principal.owner || by.roles.includes('operator') || authority(hold, by) !== null;
    return concerned
      ? null
      : forbidden(
          `Only the owner ${hold.principal.owner}, an operator or a member of an asked group may report its outcome.`,
        );
  },
);

export const hasNoOutcome: Guard = {
  name: 'not reported yet',
  check: ({ outcome }) =>
    outcome === null ? null : wrongState(`${outcome.by} reported ${outcome.result} at ${iso(outcome.at)}.`),
};

export const hasEvidence: Guard = {
  name: 'with a reference or note as evidence',
  check: (_hold, command) =>
    command.type === 'outcome' && !command.reference && !command.note
      ? invalid('Give evidence: a reference (such as the identifier in the system) or a note.')
      : null,
};

/** The clock decides, not the timer: a timer that is late must not keep an approval possible. */
export const isInTime: Guard = {
  name: 'before expires_at',
  check: (hold, _command, now) =>
    now < hold.expiresAt ? null : wrongState(`Expired at ${iso(hold.expiresAt)}; no reviewer decided in time.`),
};

export const isOverdue: Guard = {
  name: 'at or after expires_at',
  check: (hold, _command, now) =>
    now >= hold.expiresAt ? null : wrongState(`Not due: it expires at ${iso(hold.expiresAt)}.`),
};

export const isEscalationDue: Guard = {
  name: 'at or after escalates_at',
  check: ({ escalateAt }, _command, now) =>
    escalateAt !== null && now >= escalateAt ? null : wrongState('No escalation is due.'),
};

export const isReminderDue: Guard = {
  name: 'at or after half the time',
  check: ({ remindAt }, _command, now) =>
    remindAt !== null && now >= remindAt ? null : wrongState('No reminder is due.'),
};

export const isRedeemable = ofCall('before redeem_by', ({ redeemBy }, _command, now) => {
  if (redeemBy === null) return wrongState('The approval has no redeem_by.');
  return now < redeemBy
    ? null
    : wrongState(`The approval lapsed at ${iso(redeemBy)}; the caller did not collect the call in time.`);
});

export const isUncollected = ofCall('at or after redeem_by', ({ redeemBy }, _command, now) =>
  redeemBy !== null && now >= redeemBy
    ? null
    : wrongState(`Not due: it can be collected until ${redeemBy === null ? 'it is approved' : iso(redeemBy)}.`),
);

/** Only the attempt that holds the release may say what became of it, or a late process could overwrite the truth. */
export const isSameAttempt = ofCall('same attempt', ({ attempt }, command) =>
  'attempt' in command && attempt?.id === command.attempt
    ? null
    : wrongState(`Another attempt${attempt ? ` (by ${attempt.by} at ${iso(attempt.at)})` : ''} holds the release.`),
);

/** After an attempt that may have arrived, a later one that was not sent proves nothing. */
export const isFirstAttempt = ofCall('first attempt', ({ attempt }) =>
  attempt?.number === 1 ? null : wrongState('An earlier attempt may have arrived, so the outcome is unknown.'),
);

export const isToBeResent = ofCall('at or after resend_at', ({ resendAt }, _command, now) =>
  resendAt !== null && now >= resendAt ? null : wrongState('It is not due to be sent again.'),
);

export const isLeftToPeople = ofCall('not to be sent again', ({ resendAt }) =>
  resendAt === null ? null : wrongState(`It will be sent again at ${iso(resendAt)}.`),
);

export const isOwedToCaller = ofCall('a caller has not been told', ({ owed = null }) =>
  owed === null ? wrongState('A caller has been told how it ended.') : null,
);

/** A late process must not call an end untold that another one is telling. */
export const isBeingTold = ofCall('told by this process', ({ owed }, command) =>
  command.type === 'missed' && owed?.by === command.by
    ? null
    : wrongState('This process tells no caller how it ended.'),
);

/** The name of the person or agent that gave a command. */
export function takerId(by: unknown): string {
  return isTaker(by) ? ('agent' in by ? by.agent : by.id) : String(by);
}

function isTaker(by: unknown): by is Taker {
  return typeof by === 'object' && by !== null && !Array.isArray(by);
}
