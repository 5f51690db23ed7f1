import { holdPurpose, type Passes } from '../../domain/pass.ts';
import type { Via } from '../../domain/reply.ts';
import type { System } from '../../domain/system.ts';

/** The URLs at which agents reach this gateway. */
export type GatewayUrls = {
  /** Where the caller reaches a system, without a trailing slash; null if its address belongs to another system. */
  system(name: string, via: Via): string | null;
  /**
   * Where the caller reads the state of its hold. Without `public_url` a path, which holds on every address.
   * @param agent gets a pass in the URL; null for callers that send their token in a header
   */
  hold(id: string, via: Via, agent: string | null): string;
};

/** How long a hold can be read with the pass in its URL, in milliseconds: as long as the longest handoff is open. */
const HOLD_PASS = 7 * 24 * 3_600_000;

type Addressed = Pick<System, 'name' | 'hosts' | 'publicUrl'>;

/**
 * Takes the URLs from `public_url`, else from the `Host` header of each call. `X-Forwarded-*` is not read: any agent can
 * send it, and links carry authority.
 */
export function createGatewayUrls(
  systems: readonly Addressed[],
  publicUrl: URL | undefined,
  passes: Pick<Passes, 'issue'>,
): GatewayUrls {
  const owners = new Map(systems.flatMap(({ name, hosts }) => hosts.map((host) => [host, name] as const)));
  const configured = new Map(systems.map(({ name, publicUrl: own }) => [name, plain(own)]));
  const gateway = plain(publicUrl);
  // A proxy that ends TLS does so for every name, and a link that falls back to http would send tokens in the clear.
  const scheme = publicUrl?.protocol ?? 'http:';

  const ownerOf = ({ own, host }: Via) => own ?? owners.get(hostName(host));

  return {
    system(name, via) {
      const owner = ownerOf(via);
      if (owner === undefined) return `${gateway ?? `${scheme}//${via.host}`}/${name}`;
      return owner === name ? (configured.get(name) ?? `${scheme}//${via.host}`) : null;
    },
    hold(id, via, agent) {
      const owner = ownerOf(via);
      const base = owner === undefined ? gateway : configured.get(owner);
      const pass = agent === null ? '' : `?pass=${passes.issue(agent, holdPurpose(id), HOLD_PASS)}`;
      return `${base ?? ''}/-/holds/${id}${pass}`;
    },
  };
}

function plain(url: URL | undefined): string | undefined {
  return url && url.origin + url.pathname.replace(/\/$/, '');
}

function hostName(host: string): string {
  return host.toLowerCase().replace(/:\d*$/, '');
}
