import { connectionNamed, HOP_BY_HOP } from '../domain/headers.ts';

const NOT_RETURNED = new Set([...HOP_BY_HOP, 'holdpoint-decision', 'holdpoint-verdict', 'holdpoint-warning']);

/** The upstream's headers as the agent gets them: end-to-end ones, untouched. */
export function responseHeaders(raw: readonly string[]): string[] {
  const named = connectionNamed(raw);
  const headers: string[] = [];
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i]!.toLowerCase();
    if (!NOT_RETURNED.has(name) && !named?.has(name)) headers.push(raw[i]!, raw[i + 1]!);
  }
  return headers;
}
