import type { Sharing } from '../../domain/reply.ts';

/**
 * The headers by which a page of another origin may read an answer, with all of its headers (the CORS protocol of the
 * Fetch standard). Pages send the agent's token themselves, so the browser need not send credentials.
 */
export function sharedHeaders({ origin }: Sharing): Record<string, string> {
  if (origin === null) return { vary: 'Origin' };
  const allowed = { 'access-control-allow-origin': origin, 'access-control-expose-headers': '*' };
  return origin === '*' ? allowed : { ...allowed, vary: 'Origin' };
}

/** Replaces what a system says of pages in the headers of its answer, in place: browsers refuse two such headers. */
export function shareAnswer(headers: string[], sharing: Sharing): void {
  for (let i = headers.length - 2; i >= 0; i -= 2)
    if (headers[i]!.toLowerCase().startsWith('access-control-')) headers.splice(i, 2);
  for (const [name, value] of Object.entries(sharedHeaders(sharing))) headers.push(name, value);
}
