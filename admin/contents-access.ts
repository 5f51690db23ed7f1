import type { Hold } from '../gateway/domain/hold.ts';
import type { Reviewer } from '../gateway/domain/principal.ts';

/**
 * Whether the person may read what is in held calls: bodies, queries, headers and handoffs. Reviewers and operators
 * may, and the agent's owner. Everyone else, such as an analyst, sees what the record shows.
 */
export function mayReadContents({ id, roles }: Reviewer, owner: string | null): boolean {
  return id === owner || roles.includes('reviewer') || roles.includes('operator');
}

/** The hold as the person may see it: with the operation and the path of the record, masked, if not the contents. */
export function seenBy<Seen extends Hold>(person: Reviewer, hold: Seen): Seen {
  if (hold.kind !== 'approval' || mayReadContents(person, hold.principal.owner)) return hold;
  // Holds of earlier versions do not have the masked path. Their operation has no identifiers.
  const { operation, path } = hold.onRecord ?? { operation: hold.operation, path: '' };
  return { ...hold, operation, path };
}
