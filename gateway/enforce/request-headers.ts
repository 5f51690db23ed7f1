import { createHeaderRoles } from '../domain/header-roles.ts';
import { connectionNamed, VIA } from '../domain/headers.ts';
import type { System } from '../domain/system.ts';
import { withoutOwnCookies } from './own-cookies.ts';
import type { OwnCredential } from './own-credential.ts';

/**
 * The headers for an upstream, in the order in which the agent sent them, without those that have the role `dropped`.
 * The system's own credential replaces the agent's, and `Via` says that a gateway sends the call.
 */
export function createRequestHeaders(
  system: System,
  credential: Pick<OwnCredential, 'headers'>,
): (raw: readonly string[]) => string[] {
  const roleOf = createHeaderRoles(system);
  const passesCookies = system.cookies === 'pass';

  return (raw) => {
    const named = connectionNamed(raw);
    const headers: string[] = [];
    for (let i = 0; i < raw.length; i += 2) {
      if (roleOf(raw[i]!) === 'dropped') continue;
      const name = raw[i]!.toLowerCase();
      if (named?.has(name)) continue;
      const value = passesCookies && name === 'cookie' ? withoutOwnCookies(raw[i + 1]!) : raw[i + 1]!;
      if (value !== '' || name !== 'cookie') headers.push(name, value);
    }
    headers.push('via', VIA, ...credential.headers);
    return headers;
  };
}
