import { recipientOf, type Hold } from '../../domain/hold.ts';
import { leaseInForce } from '../../domain/lease.ts';
import type { NotificationTrigger } from '../../domain/notification.ts';
import type { Reviewer } from '../../domain/principal.ts';
import { eligibleGroups } from '../quorum.ts';
import { isMailAddress } from './mail-address.ts';

/** Who has to be told. */
export type Audience = {
  /** Places of these groups; null: of every group. */
  readonly groups: readonly string[] | null;
  /** People's mail addresses. */
  readonly people: readonly string[];
};

/** Works out who is notified. A person gets mail only when the id is a mail address. */
export function audienceOf(trigger: NotificationTrigger, reviewers: readonly Reviewer[]): Audience {
  if (trigger.kind === 'alert') {
    const { groups } = trigger;
    return { groups, people: addresses(reviewers.filter((one) => isIn(one, groups)).map(({ id }) => id)) };
  }
  const { kind, hold, at } = trigger;
  const groups = kind === 'escalated' ? newGroups(hold) : decidingGroups(hold);
  return { groups, people: addresses(peopleOf(kind, hold, groups, at, reviewers)) };
}

function peopleOf(
  kind: Exclude<NotificationTrigger['kind'], 'alert'>,
  hold: Hold,
  groups: readonly string[] | null,
  at: number,
  reviewers: readonly Reviewer[],
): string[] {
  switch (kind) {
    case 'opened':
    case 'reminder':
      return deciders(hold, groups, at, reviewers);
    case 'escalated':
      return members(hold, groups, reviewers);
    case 'edited':
    case 'reopened': {
      // The editor has approved the change already, and knows of it.
      const knows = new Set(
        hold.votes.filter(({ revision }) => revision === hold.revision).map((vote) => vote.reviewer),
      );
      const people = [...hold.votes.map(({ reviewer }) => reviewer), ...deciders(hold, groups, at, reviewers)];
      return people.filter((person) => !knows.has(person));
    }
    case 'expired':
    case 'indeterminate':
      return [hold.principal.owner, ...deciders(hold, groups, at, reviewers)];
    // The store knows who was told of the hold, and tells them.
    case 'decided':
    case 'withdrawn':
    case 'confirmed':
      return [];
  }
}

/**
 * The groups that may decide; null when any reviewer may. Only the agent takes what is sent to an agent, and only the
 * person takes what is sent to one person, until it is escalated.
 */
export function decidingGroups(hold: Hold): string[] | null {
  const { escalations } = hold;
  const to = recipientOf(hold);
  const isForOne = to !== null && ('agent' in to || ('person' in to && escalations.length === 0));
  return isForOne ? [] : eligibleGroups(hold);
}

/** Those that the latest step brought in; several rules' chains may have taken it together. */
function newGroups({ escalations }: Hold): string[] {
  const latest = escalations.at(-1)?.at;
  return [...new Set(escalations.filter(({ at }) => at === latest).flatMap(({ to }) => to))];
}

/** The lease holder or the assignee; every eligible reviewer when there is neither, or mail does not reach them. */
function deciders(hold: Hold, groups: readonly string[] | null, at: number, reviewers: readonly Reviewer[]): string[] {
  const { lease, assignee } = hold;
  const one = leaseInForce(lease, at)?.by ?? assignee;
  return one !== null && isMailAddress(one) ? [one] : members(hold, groups, reviewers);
}

/** Members who may decide. Four eyes: people are not asked to approve their own call, or their agent's. */
function members(hold: Hold, groups: readonly string[] | null, reviewers: readonly Reviewer[]): string[] {
  const { kind, principal, terms } = hold;
  const barred = new Set(
    kind === 'approval'
      ? [principal.agent, ...principal.onBehalfOf, ...(terms.ownerMayApprove ? [] : [principal.owner])]
      : [],
  );
  return reviewers
    .filter((one) => one.roles.includes('reviewer') && !barred.has(one.id) && (groups === null || isIn(one, groups)))
    .map(({ id }) => id);
}

export function isIn(reviewer: Reviewer, groups: readonly string[]): boolean {
  return groups.some((group) => reviewer.groups.includes(group));
}

const addresses = (people: readonly string[]) => [...new Set(people.filter(isMailAddress))];
