import type { System } from '../domain/system.ts';

export type Route = {
  readonly system: System;
  /** Path and query below the system, byte for byte. The path is empty when the call is for the upstream's own path. */
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
    // A client cannot send an empty path, so a slash alone stands for it.
    if (system) return { system, target: /^\/(?:\?|$)/.test(url) ? below(system, url.slice(1)) : url };

    const end = endOfSegment(url);
    const named = byName.get(url.slice(1, end));
    if (!named) return null;
    return { system: named, target: below(named, url.slice(end)) };
  };
}

/** A system without a path of its own has one address for both `/system` and `/system/`. */
function below({ upstream }: System, rest: string): string {
  return rest.startsWith('/') || upstream.pathname !== '/' ? rest : `/${rest}`;
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
