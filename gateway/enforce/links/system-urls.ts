import { furtherHostTarget } from '../../domain/further-host.ts';
import type { System } from '../../domain/system.ts';

/** A URL without its scheme, or with one of HTTP; host and port, and the rest. */
const ABSOLUTE = /^(?:https?:)?\/\/([^/?#\\{@]+)([^]*)$/i;
/** A path that a client would resolve to another one, perhaps to another system. */
const DOT_SEGMENT = /^[^?#]*[/\\](?:\.|%2e){1,2}(?:[/\\?#;]|$)/i;

/** A place of a system on the network. `target` is what the path of a call begins with that goes there. */
type Place = { readonly host: string; readonly path: string; readonly target: string };

export type SystemUrls = {
  /**
   * The URL of the gateway for an absolute URL of the system. Null if it is none of the system's. Everything after the
   * system's own address is kept byte for byte: it may be a URI template (RFC 6570).
   */
  absolute(url: string, base: string): string | null;
  /**
   * As `absolute`, and for a path from the root, the path at the gateway. `target` is that of the call that the system
   * answers. References that are relative to the call's own path hold at the gateway too, and are returned as they are.
   */
  reference(reference: string, base: string, target: string): string | null;
};

/** Finds the URLs that lead to a system. */
export function createSystemUrls(system: System): SystemUrls {
  const places = placesOf(system);

  function absolute(url: string, base: string): string | null {
    const [, authority, rest] = ABSOLUTE.exec(url) ?? [];
    if (authority === undefined || rest === undefined || DOT_SEGMENT.test(rest)) return null;
    const host = plainHost(authority);
    const place = places.find((each) => each.host === host && isBelow(rest, each.path));
    return place ? base + place.target + rest.slice(place.path.length) : null;
  }

  return {
    absolute,
    reference(reference, base, target) {
      if (/^(?:[a-z][a-z\d+.-]*:|\/\/)/i.test(reference)) return absolute(reference, base);
      if (!reference.startsWith('/')) return reference;
      const place = places.find((each) => each.target !== '' && isBelow(target, each.target)) ?? places[0]!;
      if (DOT_SEGMENT.test(reference) || !isBelow(reference, place.path)) return null;
      return new URL(base).pathname.replace(/\/$/, '') + place.target + reference.slice(place.path.length) || '/';
    },
  };
}

/** The system's own place first, then its further hosts. */
export function placesOf(system: System): readonly Place[] {
  return [
    placeOf(system.upstream, ''),
    ...(system.upstreamHosts ?? []).map(({ url }) => placeOf(url, furtherHostTarget(url))),
  ];
}

function placeOf({ host, pathname }: URL, target: string): Place {
  return { host: plainHost(host), path: pathname.replace(/\/$/, ''), target };
}

/** The ports of both schemes are left out: systems behind a proxy that ends TLS write `http:` into their URLs. */
function plainHost(authority: string): string {
  return authority.toLowerCase().replace(/:(?:80|443)?$/, '');
}

/** Whether a path, with whatever follows it, is this one or below it. */
export function isBelow(path: string, above: string): boolean {
  return path.startsWith(above) && /^(?:[/?#{]|$)/.test(path.slice(above.length));
}
