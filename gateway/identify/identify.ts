import { furtherHostsOf } from '../domain/further-host.ts';
import { hidePasses, linkPurpose, takeLinkPass } from '../domain/link-pass.ts';
import { holdPurpose, PASS_PREFIX, type Purpose } from '../domain/pass.ts';
import { Problem } from '../domain/problem.ts';
import type { AgentRequest, RequestHead } from '../domain/message.ts';
import type { Principal } from '../domain/principal.ts';
import type { Caller, Exchange } from '../domain/exchange.ts';
import type { System } from '../domain/system.ts';
import { invalidPass, type ReadPass } from './passes.ts';
import type { WrongTokens } from '../domain/wrong-tokens.ts';
import { assertPlainMcpPath, isMcpRequest } from '../mcp/endpoint.ts';
import { assertOwnOrigin } from './origin.ts';
import { findCaller } from './token.ts';
import type { Route } from './route.ts';
import { hasTargetCredentials, takeCredentials } from './target-credentials.ts';

/**
 * Finds out which agent calls which system.
 * @throws Problem `unauthenticated`, `too-many-wrong-tokens`, `unknown-system`, `ambiguous-path`, `foreign-origin`, `not-found`
 */
export function createIdentify(deps: {
  readonly route: (own: System | null, host: string | undefined, url: string) => Route | null;
  readonly findAgent: (token: string) => Principal | null;
  readonly readPass: ReadPass;
  readonly wrongTokens: WrongTokens;
}): (exchange: Pick<Exchange, 'request' | 'own' | 'reply'>) => Caller | Promise<Caller> {
  return ({ request, own, reply }) => {
    const { headers } = request;
    const found = deps.route(own, headers.host, request.url ?? '/');
    const passed = found && takeLinkPass(found.target);
    const route = passed ? { ...found, target: passed.target } : found;
    // A client that follows a redirect may name the page before, which is neither for the system nor for the record.
    if (headers.referer?.includes(PASS_PREFIX)) hideInReferer(request);
    const keyHeader = route?.system.agentCredential.header ?? 'authorization';
    const taken =
      route && hasTargetCredentials(route.system) ? takeCredentials(route.target, route.system, deps.findAgent) : null;
    const inHeader = findCaller(headers, keyHeader, deps.findAgent);
    const principal = inHeader ?? taken?.principal;
    if (!inHeader && principal) reply.needsPass(principal.agent);
    if (!principal && passed && route) {
      const bearer = deps.readPass(passed.pass, purposeOf(route));
      reply.needsPass(bearer.agent);
      if (route.system.refusals) reply.refuseIn(route.system.refusals);
      // The link is the system's own, so nothing in it is taken for a credential.
      return { principal: bearer, ...route };
    }
    // Unauthenticated callers do not learn which systems exist.
    if (isDiscovery(request, route, principal)) throw new Problem('not-found');
    if (!principal) {
      throw request.url?.includes(PASS_PREFIX)
        ? invalidPass()
        : unauthenticated(request, [keyHeader], deps.wrongTokens, taken?.hasToken);
    }
    if (!route) throw new Problem('unknown-system');
    const { system } = route;
    const target = taken?.target ?? route.target;
    if (system.refusals) reply.refuseIn(system.refusals);
    if (system.mcp !== undefined) {
      assertPlainMcpPath(system, target);
      if (isMcpRequest(system, { method: request.method ?? '', target })) {
        reply.speakMcp();
        assertOwnOrigin(system, headers.origin);
      }
    }
    return { principal, system, target };
  };
}

/**
 * Whether a client of MCP looks for an authorization server (RFC 9728), which there is not: agents have tokens. Any other
 * refusal than 404 leads it to sign in. At the shared address, unknown callers do not learn which systems speak MCP.
 */
function isDiscovery(
  { url = '/' }: RequestHead,
  route: Route | null,
  principal: Principal | null | undefined,
): boolean {
  if (route?.system.mcp !== undefined) return route.target.startsWith('/.well-known/');
  const isShared = route === null || route.target !== url;
  return isShared && !principal && /^\/(?:[^/?]+\/)?\.well-known\//.test(url);
}

/** What the pass of a call must be for; null where links need none, or need none any more. */
function purposeOf({ system, target }: Route): Purpose | null {
  const host = furtherHostsOf(system)(target)?.host;
  return host?.linkPass === undefined ? null : linkPurpose(system.name, host.url, target);
}

function hideInReferer({ headers, rawHeaders }: RequestHead): void {
  headers.referer = hidePasses(headers.referer!);
  for (let i = 0; i < rawHeaders.length; i += 2)
    if (rawHeaders[i]!.toLowerCase() === 'referer') rawHeaders[i + 1] = hidePasses(rawHeaders[i + 1]!);
}

/** Where agents may send their token to the gateway's own endpoints, which belong to no system. */
export type TokenPlaces = { readonly headers: readonly string[]; readonly parameters: readonly string[] };

/** The agent of a token in a header; null if there is none. */
export function agentInHeader(
  { headers }: RequestHead,
  places: TokenPlaces,
  findAgent: (token: string) => Principal | null,
): Principal | null {
  for (const header of ['authorization', ...places.headers]) {
    const principal = findCaller(headers, header, findAgent);
    if (principal) return principal;
  }
  return null;
}

/** The agent of a token in the query; null if there is none. */
export function agentInQuery(
  { url = '/' }: RequestHead,
  places: TokenPlaces,
  findAgent: (token: string) => Principal | null,
): Principal | null {
  for (const query of places.parameters) {
    const { principal } = takeCredentials(url, { agentCredential: { header: '', query } }, findAgent);
    if (principal) return principal;
  }
  return null;
}

/** The agent of the pass in the URL of a hold. @throws Problem `unauthenticated` */
export function agentOfHoldPass({ url = '/' }: RequestHead, holdId: string, readPass: ReadPass): Principal {
  const pass = new URLSearchParams(url.slice(url.indexOf('?') + 1)).get('pass');
  if (!pass?.startsWith(PASS_PREFIX)) throw new Problem('unauthenticated');
  return readPass(pass, holdPurpose(holdId));
}

/**
 * The refusal of an unknown caller. Requests without any token are not counted: health checks send none.
 * @param inTarget whether the target has a token
 */
export function unauthenticated(
  { headers, socket }: Pick<AgentRequest, 'headers' | 'socket'>,
  keyHeaders: readonly string[],
  wrongTokens: WrongTokens,
  inTarget = false,
): Problem {
  const hasToken = inTarget || ['authorization', ...keyHeaders].some((header) => headers[header] !== undefined);
  const retry_after = hasToken ? wrongTokens.count(socket.remoteAddress) : null;
  if (retry_after === null) return new Problem('unauthenticated');
  return new Problem('too-many-wrong-tokens', { extras: { retry_after } });
}
