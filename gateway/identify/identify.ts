import type { IncomingMessage } from 'node:http';
import { Problem } from '../domain/problem.ts';
import type { Principal } from '../domain/principal.ts';
import type { System } from '../domain/system.ts';
import { readToken, type Identity } from './token.ts';
import type { Route } from './route.ts';

export type Identified<S extends System> = {
  readonly principal: Principal;
  readonly system: S;
  readonly target: string;
};

/**
 * Works out who calls and which system is meant.
 * @throws Problem `unauthenticated`, `unknown-system`, `system-not-granted`
 */
export function createIdentify<S extends System>(deps: {
  readonly route: (own: S | null, host: string | undefined, url: string) => Route<S> | null;
  readonly findAgent: (token: string) => Identity | null;
}): (request: IncomingMessage, own: S | null) => Identified<S> {
  return (request, own) => {
    const route = deps.route(own, request.headers.host, request.url ?? '/');
    const token = readToken(request.headers, route?.system.agentCredential.header ?? 'authorization');
    const identity = token === null ? null : deps.findAgent(token);
    // Who may not come in does not learn which systems exist.
    if (!identity) throw new Problem('unauthenticated');
    if (!route) throw new Problem('unknown-system');
    if (!identity.systems.has(route.system.name)) throw new Problem('system-not-granted');
    return { principal: identity.principal, system: route.system, target: route.target };
  };
}

/** The agent behind a credential, for the gateway's own endpoints where no system is named. */
export function identifyAgent(
  request: IncomingMessage,
  keyHeaders: readonly string[],
  findAgent: (token: string) => Identity | null,
): Principal {
  for (const header of ['authorization', ...keyHeaders]) {
    const token = readToken(request.headers, header);
    const identity = token === null ? null : findAgent(token);
    if (identity) return identity.principal;
  }
  throw new Problem('unauthenticated');
}
