import type { RequestHead } from '../domain/message.ts';
import type { Sharing } from '../domain/reply.ts';
import type { System } from '../domain/system.ts';
import { createRouter } from '../identify/route.ts';

const TOKEN = /^[!#$%&'*+\-.^_`|~\w]+$/;

/**
 * Which page may read the answer to a request (the CORS protocol of the Fetch standard); null for a request that is not
 * from a page, or for a system without `cors`. Pages of any system may use the gateway's own endpoints. Null instead of the function if no system has `cors`.
 */
export function createSharing(
  systems: readonly System[],
): ((request: RequestHead, own: string | null) => Sharing | null) | null {
  if (!systems.some(({ cors }) => cors)) return null;
  const route = createRouter(systems);
  const byName = new Map(systems.map((system) => [system.name, system]));
  const everywhere = systems.flatMap(({ cors }) => cors?.origins ?? []);

  return ({ url = '', headers }, own) => {
    // Programs send no Origin, and need nothing of this.
    if (headers.origin === undefined) return null;
    const system = own === null ? null : byName.get(own);
    // The system of this address left the configuration.
    if (system === undefined) return null;
    const isOwnEndpoint = system === null && url.startsWith('/-/');
    const origins = isOwnEndpoint ? everywhere : route(system, headers.host, url)?.system.cors?.origins;
    if (!origins) return null;
    if (origins.includes('*')) return { origin: '*' };
    return { origin: origins.includes(headers.origin) ? headers.origin : null };
  };
}

/** Whether a browser asks what it may send. It has no token at that point. */
export function isPreflight({ method, headers }: RequestHead): boolean {
  const wanted = headers['access-control-request-method'];
  return method === 'OPTIONS' && wanted !== undefined && TOKEN.test(wanted);
}
