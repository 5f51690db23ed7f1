import { connectionNamed, HOP_BY_HOP } from '../domain/headers.ts';
import type { System } from '../domain/system.ts';

const NOT_RETURNED = new Set([...HOP_BY_HOP, 'holdpoint-decision', 'holdpoint-verdict', 'holdpoint-warning']);
const NOR_COOKIES = new Set([...NOT_RETURNED, 'set-cookie', 'set-cookie2']);

/**
 * The headers of a system's answers as agents get them: end-to-end ones, untouched. Cookies are returned only if the
 * system's calls carry them too: its session would be a credential of the gateway in the hands of an agent.
 */
export function createResponseHeaders({ cookies }: Pick<System, 'cookies'>): (raw: readonly string[]) => string[] {
  const notReturned = cookies === 'pass' ? NOT_RETURNED : NOR_COOKIES;
  return (raw) => {
    const named = connectionNamed(raw);
    const headers: string[] = [];
    for (let i = 0; i < raw.length; i += 2) {
      const name = raw[i]!.toLowerCase();
      if (!notReturned.has(name) && !named?.has(name)) headers.push(raw[i]!, raw[i + 1]!);
    }
    return headers;
  };
}
