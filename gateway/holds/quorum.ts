import type { Hold, Vote } from '../domain/hold.ts';
import type { Reviewer } from '../domain/principal.ts';

/** So many different people of these groups have to approve. No groups: any reviewer counts. */
export type Demand = { readonly groups: readonly string[]; readonly quorum: number };

type Asked = Pick<Hold, 'terms' | 'escalations'>;

/**
 * What has to be met as things stand: each rule's requirement with the groups that its escalation has reached, and a
 * demand of its own for every group that a person brought in and no rule knows.
 */
export function demands({ terms, escalations }: Asked): Demand[] {
  const required = terms.requirements.map(({ groups, quorum }, index) => {
    const joined = escalations.filter(({ requirement }) => requirement === index).flatMap(({ to }) => to);
    // Who asks any reviewer asks these too: naming them would shut the others out.
    return { groups: groups.length === 0 ? [] : [...new Set([...groups, ...joined])], quorum: Math.max(1, quorum) };
  });
  const added = escalations
    .filter(({ requirement }) => requirement === null)
    .map(({ to }) => ({ groups: to, quorum: 1 }));
  const all = [...required, ...added];
  return all.length === 0 ? [{ groups: [], quorum: 1 }] : all;
}

/** The groups that may decide; null when any reviewer may. */
export function eligibleGroups(hold: Asked): string[] | null {
  const all = demands(hold);
  if (all.some(({ groups }) => groups.length === 0)) return null;
  return [...new Set(all.flatMap(({ groups }) => groups))];
}

/** Whether members of some groups count for a demand. */
export function counts(groups: readonly string[], demand: Demand): boolean {
  return demand.groups.length === 0 || demand.groups.some((group) => groups.includes(group));
}

/** The votes that still count: those on what was shown before it changed are void. */
export function approvals({ votes, revision }: Pick<Hold, 'votes' | 'revision'>): Vote[] {
  return votes.filter((vote) => vote.revision === revision);
}

/** How many people have approved for a demand. Each has one vote: see `isFirstVote`. */
export function approvedBy(hold: Pick<Hold, 'votes' | 'revision'>, demand: Demand): number {
  return approvals(hold).filter(({ groups }) => counts(groups, demand)).length;
}

/** Whether every demand is met. Editors of the call cannot be the only ones who approve it. */
export function isQuorate(hold: Pick<Hold, 'votes' | 'revision' | 'editors'> & Asked): boolean {
  const votes = approvals(hold);
  const edited = (person: string | null) => person !== null && hold.editors.includes(person);
  const seenByAnother = votes.some((vote) => !edited(vote.reviewer) && !edited(vote.for));
  return seenByAnother && demands(hold).every((demand) => approvedBy(hold, demand) >= demand.quorum);
}

/**
 * The authority under which a reviewer decides: the reviewer's own where it suffices, else that of a person the reviewer
 * stands in for.
 * Null when neither does.
 */
export function authority(
  hold: Asked,
  { id, groups, standsInFor = [] }: Reviewer,
): { readonly id: string; readonly groups: readonly string[] } | null {
  const all = demands(hold);
  return [{ id, groups }, ...standsInFor].find((one) => all.some((demand) => counts(one.groups, demand))) ?? null;
}
