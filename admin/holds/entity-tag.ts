import { AdminProblem } from '../api/problems.ts';

/** A hold's ETag (RFC 9110 section 8.8.3): its revision in quotes. */
export function entityTag(revision: number): string {
  return `"${revision}"`;
}

const ENTITY_TAG = /^\s*(?:W\/)?"([\x21\x23-\x7e\x80-\xff]*)"\s*$/;

/**
 * The revision that an `If-Match` vouches to have seen: exactly one. A list would approve whichever revision is
 * current, and `*` matches what the sender has not seen; both are refused. A weak tag counts: proxies that compress
 * answers weaken their tags (nginx, Cloudflare), and it still names the revision.
 * @throws AdminProblem `precondition-required`, `bad-request` or `stale`
 */
export function seenRevision(header: string | undefined, current: number): number {
  if (header === undefined) throw new AdminProblem('precondition-required');
  if (header.trim() === '*') {
    throw new AdminProblem('precondition-required', {
      detail: 'If-Match: * does not say which revision you read. Send the ETag of the hold, such as If-Match: "1".',
    });
  }
  const tag = ENTITY_TAG.exec(header)?.[1];
  if (tag === undefined) {
    throw new AdminProblem('bad-request', { detail: 'If-Match must be one ETag in quotes, such as If-Match: "1".' });
  }
  if (tag !== String(current)) {
    throw new AdminProblem('stale', {
      detail: `The hold is at revision ${current}, not at ${header}. Read it again, then decide.`,
    });
  }
  return current;
}
