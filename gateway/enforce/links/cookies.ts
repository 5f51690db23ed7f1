import { isOwnCookie } from '../own-cookies.ts';
import type { System } from '../../domain/system.ts';
import { placesOf, isBelow } from './system-urls.ts';

/** Attributes without which a cookie is refused that came over http (RFC 6265bis section 5.7). */
const ONLY_SECURE = /^(?:secure|partitioned|samesite\s*=\s*none)$/i;

/**
 * Rewrites a `Set-Cookie` (RFC 6265 section 4.1) so that the agent sends the cookie back to the gateway, and only with
 * calls to the same system: without Domain, and with the path at the gateway. Null for a cookie that must not be set.
 * @param base the system's URL at the gateway; null if the caller cannot reach the system at this address
 * @param target of the call that the system answers
 */
export function createCookieRewriter(
  system: System,
): (cookie: string, base: string | null, target: string) => string | null {
  const places = placesOf(system);

  return (cookie, base, target) => {
    const [pair = '', ...attributes] = cookie.split(';').map((part) => part.trim());
    if (base === null || isOwnCookie(pair)) return null;
    const place = places.find((each) => each.target !== '' && isBelow(target, each.target)) ?? places[0]!;
    const root = new URL(base).pathname.replace(/\/$/, '') + place.target;

    const isSecure = base.startsWith('https:');
    const kept = attributes.filter(
      (attribute) => !/^(?:domain|path)\s*(?:=|$)/i.test(attribute) && (isSecure || !ONLY_SECURE.test(attribute)),
    );
    const said = attributes.findLast((attribute) => /^path\s*=/i.test(attribute))?.replace(/^path\s*=\s*/i, '');
    const path = said?.startsWith('/') ? pathAt(root, place.path, said) : defaultPath(root, place.target, target);
    if (path === null) return null;
    return [pair, ...kept, ...(path === '' ? [] : [`Path=${path}`])].join('; ');
  };
}

/** A path of the system at the gateway; null for one that the gateway does not reach. */
function pathAt(root: string, own: string, path: string): string | null {
  const plain = path.replace(/\/$/, '');
  if (plain === own || isBelow(own, plain)) return root || '/';
  return isBelow(path, own) ? root + path.slice(own.length) : null;
}

/** Without a path, the client takes the folder of the call (section 5.1.4), which for the root is that of all systems. */
function defaultPath(root: string, place: string, target: string): string {
  const [path = ''] = target.split('?', 1);
  return path === place ? root || '/' : '';
}
