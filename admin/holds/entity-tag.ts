import { AdminProblem } from '../api/problems.ts';

/** A hold's ETag (RFC 9110 section 8.8.3): its revision in quotes. */
export function entityTag(revision: number): string {
  return `"${revision}"`;
}

const ENTITY_TAG = /(W\/)?"([\x21\x23-\x7e\x80-\xff]*)"/;
const LIST = new RegExp(`^\\s*${ENTITY_TAG.source}(?:\\s*,\\s*${ENTITY_TAG.source})*\\s*$`);

/**
 * The revision that an `If-Match` vouches to have seen, compared strongly (RFC 9110 section 13.1.1): of a list, the
 * current one if it is in it. A weak tag never matches; `*` matches what the sender has not seen, so it is refused.
 * @throws AdminProblem `precondition-required`, `bad-request` or `stale`
 */
export function seenRevision(header: string | undefined, current: number): number {
  if (header === undefined) throw new AdminProblem('precondition-required');
  if (header.trim() === '*') {
    throw new AdminProblem('precondition-required', {
      detail: 'If-Match: * does not say which revision you read. Send the ETag of the hold, such as If-Match: "1".',
    });
  }
  if (!LIST.test(header)) {
    throw new AdminProblem('bad-request', { detail: 'If-Match must be an ETag in quotes, such as If-Match: "1".' });
  }
  const strong = [...header.matchAll(new RegExp(ENTITY_TAG, 'g'))].filter(([, weak]) => !weak).map(([, , tag]) => tag);
  if (!strong.includes(String(current))) {
    throw new AdminProblem('stale', {
      detail: `The hold is at revision ${current}, not at ${header}. Read it again, then decide.`,
    });
  }
  return current;
}
