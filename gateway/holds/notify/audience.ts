import { recipientOf, type Hold } from '../../domain/hold.ts';
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

/** Works out who has to be told of something. Somebody whose id is no mail address gets no mail. */
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
      // Whoever changed the call has approved the change: they know.
      const knows = new Set(
        hold.votes.filter(({ revision }) => revision === hold.revision).map((vote) => vote.reviewer),
      );
      const people = [...hold.votes.map(({ reviewer }) => reviewer), ...deciders(hold, groups, at, reviewers)];
      return people.filter((person) => !knows.has(person));
    }
    case 'expired':
    case 'indeterminate':
      return [hold.principal.owner, ...deciders(hold, groups, at, reviewers)];
    // For other programs: people who decided know, and nobody has anything left to do.
    case 'decided':
      return [];
  }
}

/**
 * The groups whose members may decide; null when any reviewer may. What is sent to an agent is that agent's, and what is
 * sent to one person is theirs alone until it is escalated.
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

/** The one whose turn it is; everybody who may decide when there is none, or none whom mail reaches. */
function deciders(hold: Hold, groups: readonly string[] | null, at: number, reviewers: readonly Reviewer[]): string[] {
  const { lease, assignee } = hold;
  const one = lease !== null && lease.until > at ? lease.by : assignee;
  return one !== null && isMailAddress(one) ? [one] : members(hold, groups, reviewers);
}

/** Members who may decide. Four eyes: nobody is asked to approve what they asked for themselves, or through their agent. */
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

const isIn = (reviewer: Reviewer, groups: readonly string[]) => groups.some((group) => reviewer.groups.includes(group));

const addresses = (people: readonly string[]) => [...new Set(people.filter(isMailAddress))];
