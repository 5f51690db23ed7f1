import type { Reviewer } from '../../gateway/domain/principal.ts';
import { invalidMember } from '../api/problems.ts';

/** The groups that have somebody who decides, by name, and how many reviewers each has. */
export function groupsWithReviewers(people: readonly Reviewer[]): ReadonlyMap<string, number> {
  const groups = people
    .filter(({ roles }) => roles.includes('reviewer'))
    .flatMap((person) => [...new Set(person.groups)])
    .toSorted();
  return new Map(groups.map((name) => [name, groups.filter((other) => other === name).length]));
}

/**
 * Nothing is passed on to a group that nobody is in: it would wait there until it expires.
 * @throws AdminProblem `invalid` that names the first group without a reviewer
 */
export function assertGroups(
  people: readonly Reviewer[],
  groups: readonly string[],
  pointer: (index: number) => string,
): void {
  const known = groupsWithReviewers(people);
  groups.forEach((group, index) => {
    if (known.has(group)) return;
    const named = [...known.keys()].join(', ') || 'none';
    throw invalidMember('body', pointer(index), `no reviewer is in the group "${group}". Groups: ${named}.`);
  });
}
