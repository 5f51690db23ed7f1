import { Problem } from '../domain/problem.ts';
import type { RequestHead } from '../domain/message.ts';
import type { Principal } from '../domain/principal.ts';
import type { Caller, Exchange } from '../domain/exchange.ts';
import type { System } from '../domain/system.ts';
import { findCaller } from './token.ts';
import type { Route } from './route.ts';
import { hasTargetCredentials, takeCredentials } from './target-credentials.ts';

/**
 * Finds out which agent calls which system.
 * @throws Problem `unauthenticated`, `unknown-system`
 */
export function createIdentify(deps: {
  readonly route: (own: System | null, host: string | undefined, url: string) => Route | null;
  readonly findAgent: (token: string) => Principal | null;
}): (exchange: Pick<Exchange, 'request' | 'own' | 'reply'>) => Caller | Promise<Caller> {
  return ({ request, own, reply }) => {
    const route = deps.route(own, request.headers.host, request.url ?? '/');
    const keyHeader = route?.system.agentCredential.header ?? 'authorization';
    const taken =
      route && hasTargetCredentials(route.system) ? takeCredentials(route.target, route.system, deps.findAgent) : null;
    const principal = findCaller(request.headers, keyHeader, deps.findAgent) ?? taken?.principal;
    // Unauthenticated callers do not learn which systems exist.
    if (!principal) throw new Problem('unauthenticated');
    if (!route) throw new Problem('unknown-system');
    if (route.system.refusals) reply.refuseIn(route.system.refusals);
    return { principal, system: route.system, target: taken?.target ?? route.target };
  };
}

/** The agent of a credential, for the gateway's own endpoints, which belong to no system. */
export function identifyAgent(
  request: Pick<RequestHead, 'headers'>,
  keyHeaders: readonly string[],
  findAgent: (token: string) => Principal | null,
): Principal {
  for (const header of ['authorization', ...keyHeaders]) {
    const principal = findCaller(request.headers, header, findAgent);
    if (principal) return principal;
  }
  throw new Problem('unauthenticated');
}
