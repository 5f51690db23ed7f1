import type { Reviewer } from '../../gateway/domain/principal.ts';
import { invalidMember } from '../api/problems.ts';

/**
 * Nothing is passed on to a group that nobody is in: it would wait there until it expires.
 * @throws AdminProblem `invalid` that names the first group without a reviewer
 */
export function assertGroups(
  people: readonly Reviewer[],
  groups: readonly string[],
  pointer: (index: number) => string,
): void {
  const known = new Set(people.filter(({ roles }) => roles.includes('reviewer')).flatMap(({ groups }) => groups));
  groups.forEach((group, index) => {
    if (known.has(group)) return;
    const named = [...known].toSorted().join(', ') || 'none';
    throw invalidMember('body', pointer(index), `no reviewer is in the group "${group}". Groups: ${named}.`);
  });
}
