import { oncePerSystem } from './once-per-system.ts';
import type { FurtherHost, System } from './system.ts';

/**
 * What the target of a call begins with that goes to a further host of its system. As a part of the path, policy,
 * reviewers, approvals and records see it without more ado. `~` needs no percent-encoding (RFC 3986 section 2.3).
 */
export function furtherHostTarget({ host }: URL): string {
  return `/~${host}`;
}

const FIRST_SEGMENT = /^\/([^/?]*)/;

/**
 * Splits targets that go to a further host of a system. Every spelling that a server could read as the host's segment
 * counts as such, so that no call is judged for one host and sent to another.
 */
export function createFurtherHosts({
  upstreamHosts = [],
}: Pick<System, 'upstreamHosts'>): (target: string) => { readonly host: FurtherHost; readonly target: string } | null {
  const byTarget = new Map(upstreamHosts.map((host) => [furtherHostTarget(host.url), host]));
  return (target) => {
    if (byTarget.size === 0) return null;
    const [whole, segment = ''] = FIRST_SEGMENT.exec(target) ?? [''];
    const host = byTarget.get(`/${decoded(segment).toLowerCase()}`);
    return host ? { host, target: target.slice(whole.length) } : null;
  };
}

/** What splits the targets of a system, as `createFurtherHosts` does. */
export const furtherHostsOf = oncePerSystem(createFurtherHosts);

/** The URL to which a call goes, below which its target is, as people read it: without a password that it may have. */
export function destinationOf(system: System, target: string): string {
  const { origin, pathname } = furtherHostsOf(system)(target)?.host.url ?? system.upstream;
  return origin + pathname.replace(/\/$/, '');
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
