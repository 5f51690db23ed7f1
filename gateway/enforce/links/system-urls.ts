import { furtherHostTarget } from '../../domain/further-host.ts';
import { linkPurpose, withLinkPass } from '../../domain/link-pass.ts';
import type { Passes } from '../../domain/pass.ts';
import type { FurtherHost, System } from '../../domain/system.ts';

/** A URL without its scheme, or with one of HTTP; host and port, and the rest. */
const ABSOLUTE = /^(?:https?:)?\/\/([^/?#\\{@]+)([^]*)$/i;
/** A path that a client would resolve to another one, perhaps to another system. */
const DOT_SEGMENT = /^[^?#]*[/\\](?:\.|%2e){1,2}(?:[/\\?#;]|$)/i;

/** A place of a system on the network. `target` is what the path of a call begins with that goes there. */
type Place = {
  readonly host: string;
  readonly path: string;
  readonly target: string;
  readonly further: FurtherHost | null;
};

/** Where links are to lead: the system's URL at the gateway, and for which agent. */
export type Lead = { readonly base: string; readonly agent: string };

export type SystemUrls = {
  /**
   * The URL of the gateway for an absolute URL of the system. Null if it is none of the system's. Everything after the
   * system's own address is kept byte for byte: it may be a URI template (RFC 6570).
   */
  absolute(url: string, lead: Lead): string | null;
  /**
   * As `absolute`, and for a path from the root, the path at the gateway. `target` is that of the call that the system
   * answers. References that are relative to the call's own path hold at the gateway too, and are returned as they are.
   */
  reference(reference: string, lead: Lead, target: string): string | null;
};

/** Finds the URLs that lead to a system. */
export function createSystemUrls(system: System, passes: Pick<Passes, 'issue'>): SystemUrls {
  const [upstream, ...further] = placesOf(system);
  // The narrowest place counts: a system may list a part of its own host as one whose links need no token.
  const places = [...further, upstream].toSorted((a, b) => b.path.length - a.path.length);

  /** The target at the gateway for a path on a host, which may carry a pass. */
  function targetOf(host: string, rest: string, agent: string): string | null {
    const place = DOT_SEGMENT.test(rest)
      ? undefined
      : places.find((one) => one.host === host && isBelow(rest, one.path));
    if (!place) return null;
    const target = place.target + rest.slice(place.path.length);
    const lasts = place.further?.linkPass;
    // What a template becomes is up to the client, and a pass is for one URL.
    if (lasts === undefined || rest.includes('{')) return target;
    const purpose = linkPurpose(system.name, place.further!.url, target);
    return withLinkPass(passes.issue(agent, purpose, lasts), target);
  }

  function absolute(url: string, { base, agent }: Lead): string | null {
    const [, authority, rest] = ABSOLUTE.exec(url) ?? [];
    if (authority === undefined || rest === undefined) return null;
    const target = targetOf(plainHost(authority), rest, agent);
    return target === null ? null : base + target;
  }

  return {
    absolute,
    reference(reference, lead, target) {
      if (/^(?:[a-z][a-z\d+.-]*:|\/\/)/i.test(reference)) return absolute(reference, lead);
      if (!reference.startsWith('/')) return reference;
      const { host } = further.find((each) => isBelow(target, each.target)) ?? upstream;
      const led = targetOf(host, reference, lead.agent);
      return led === null ? null : new URL(lead.base).pathname.replace(/\/$/, '') + led || '/';
    },
  };
}

/** The system's own place first, then its further hosts. */
export function placesOf(system: System): readonly [Place, ...Place[]] {
  return [placeOf(system.upstream, null), ...(system.upstreamHosts ?? []).map((host) => placeOf(host.url, host))];
}

function placeOf({ host, pathname }: URL, further: FurtherHost | null): Place {
  return {
    host: plainHost(host),
    path: pathname.replace(/\/$/, ''),
    target: further ? furtherHostTarget(further.url) : '',
    further,
  };
}

/** The ports of both schemes are left out: systems behind a proxy that ends TLS write `http:` into their URLs. */
function plainHost(authority: string): string {
  return authority.toLowerCase().replace(/:(?:80|443)?$/, '');
}

/** Whether a path, with whatever follows it, is this one or below it. */
export function isBelow(path: string, above: string): boolean {
  return path.startsWith(above) && /^(?:[/?#{]|$)/.test(path.slice(above.length));
}
