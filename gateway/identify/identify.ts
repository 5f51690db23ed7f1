import type { IncomingMessage } from 'node:http';
import { Problem } from '../domain/problem.ts';
import type { Principal } from '../domain/principal.ts';
import type { Caller } from '../domain/exchange.ts';
import type { System } from '../domain/system.ts';
import { readToken } from './token.ts';
import type { Route } from './route.ts';
import type { Suspensions } from './suspensions.ts';

/**
 * Works out who calls and which system is meant.
 * @throws Problem `unauthenticated`, `unknown-system`
 */
export function createIdentify(deps: {
  readonly route: (own: System | null, host: string | undefined, url: string) => Route | null;
  readonly findAgent: (token: string) => Principal | null;
}): (request: IncomingMessage, own: System | null) => Caller {
  return (request, own) => {
    const route = deps.route(own, request.headers.host, request.url ?? '/');
    const token = readToken(request.headers, route?.system.agentCredential.header ?? 'authorization');
    const principal = token === null ? null : deps.findAgent(token);
    // Who may not come in does not learn which systems exist.
    if (!principal) throw new Problem('unauthenticated');
    if (!route) throw new Problem('unknown-system');
    return { principal, system: route.system, target: route.target };
  };
}

/** The agent behind a credential, for the gateway's own endpoints where no system is named. */
export function identifyAgent(
  request: IncomingMessage,
  keyHeaders: readonly string[],
  findAgent: (token: string) => Principal | null,
): Principal {
  for (const header of ['authorization', ...keyHeaders]) {
    const token = readToken(request.headers, header);
    const principal = token === null ? null : findAgent(token);
    if (principal) return principal;
  }
  throw new Problem('unauthenticated');
}

/**
 * A stage of its own, so that the attempt is on record under the name of the agent.
 * @throws Problem `system-not-granted`
 */
export function assertGranted(
  { principal, system }: Caller,
  isGranted: (agent: string, system: string) => boolean,
): void {
  if (!isGranted(principal.agent, system.name)) throw new Problem('system-not-granted');
}

/**
 * The kill switch, asked before anything about the call is read; the attempt is on record.
 * @throws Problem `suspended`
 */
export function assertActive(agent: string, system: string | null, suspensions: Pick<Suspensions, 'of'>): void {
  const reason = suspensions.of(agent, system);
  if (reason === null) return;
  const detail = `An operator decided that ${reason}. Do not send the call again; ask the agent's owner.`;
  throw new Problem('suspended', { detail });
}
