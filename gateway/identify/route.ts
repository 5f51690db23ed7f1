import type { System } from '../domain/system.ts';

export type Route = {
  readonly system: System;
  /** Path and query below the system, byte for byte; starts with `/`. */
  readonly target: string;
};

/**
 * Finds the system that a call is for: the listener's own system first, then the Host header, then the first path
 * segment. Null when none matches; such a call is not forwarded.
 */
export function createRouter(
  systems: readonly System[],
): (own: System | null, host: string | undefined, url: string) => Route | null {
  const byName = new Map(systems.map((system) => [system.name, system]));
  const byHost = new Map(systems.flatMap((system) => system.hosts.map((host) => [host, system] as const)));

  return (own, host, url) => {
    const system = own ?? (byHost.size > 0 && host !== undefined ? byHost.get(hostName(host)) : undefined);
    if (system) return { system, target: url };

    const end = endOfSegment(url);
    const named = byName.get(url.slice(1, end));
    if (!named) return null;
    const rest = url.slice(end);
    return { system: named, target: rest.startsWith('/') ? rest : `/${rest}` };
  };
}

/** Where the first segment of `/segment/…?…` ends. */
function endOfSegment(url: string): number {
  for (let i = 1; i < url.length; i += 1) {
    const char = url.charCodeAt(i);
    if (char === 0x2f || char === 0x3f) return i;
  }
  return url.length;
}

function hostName(host: string): string {
  return host.toLowerCase().replace(/:\d*$/, '');
}
