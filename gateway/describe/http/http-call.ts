import type { IncomingHttpHeaders } from 'node:http';
import { NO_CLAIMS, type Call } from '../../domain/call.ts';
import { actionText, createInput, principalText, type ActionText } from '../../domain/policy-input.ts';
import type { Principal } from '../../domain/principal.ts';
import type { System } from '../../domain/system.ts';
import { bodyJson } from './body-json.ts';
import { parseClaims, parseTraceId } from './context.ts';
import { queryToJson } from './form.ts';
import { VISIBLE_HEADERS } from './headers.ts';
import { createOperationNamer, type NamedOperation } from './operation.ts';
import { decodeSegments, splitTarget } from './path.ts';

/** A call as it arrived. Its head passed `assertPlainFraming`, its body is read and its caller is identified. */
export type Arrival = {
  readonly id: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly principal: Principal;
  /** Path and query below the system, as received. */
  readonly target: string;
  readonly method: string;
  readonly rawHeaders: readonly string[];
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  readonly ip: string;
  /** A WebSocket handshake is a kind of its own: permission to read does not allow opening a tunnel. */
  readonly protocol: 'http' | 'websocket';
};

type Route = NamedOperation & { readonly action: ActionText };

/** Limits of the route cache. Repeated paths are worth caching; paths with an identifier come and go. */
const MAX_ROUTES = 1000;
const MAX_ROUTE_LENGTH = 256;

/**
 * Describes the calls to one system. The policy input is assembled as text that contains the body's own text: what is
 * judged is exactly what was sent, and nothing is parsed or serialized twice.
 *
 * The returned function throws Problem `ambiguous-path`, `bad-request`, `bad-body` or `bad-context`.
 * @throws Error for the operator, if the system's OpenAPI document cannot be used
 */
export function createDescriber(system: System): (arrival: Arrival) => Call {
  const nameOperation = createOperationNamer(system.openapi, system.upstream.pathname);
  const writeHeaders = createHeaderWriter(system);
  const principals = new WeakMap<Principal, string>();
  const routes = new Map<string, Route>();

  function principalOf(principal: Principal): string {
    let text = principals.get(principal);
    if (text === undefined) principals.set(principal, (text = principalText(principal)));
    return text;
  }

  function routeOf(protocol: Arrival['protocol'], method: string, path: string): Route {
    const key = `${protocol} ${method} ${path}`;
    let route = routes.get(key);
    if (route === undefined) {
      route = createRoute(protocol, method, path);
      if (key.length <= MAX_ROUTE_LENGTH) {
        if (routes.size >= MAX_ROUTES) routes.clear();
        routes.set(key, route);
      }
    }
    return route;
  }

  function createRoute(protocol: Arrival['protocol'], method: string, path: string): Route {
    const segments = decodeSegments(path);
    const { operation, resource } = nameOperation(method, segments);
    const action = actionText(system.name, { operation, method, path, segments, protocol }, resource);
    return { operation, resource, action };
  }

  return (arrival) => {
    const { method, target, headers, body } = arrival;
    const { path, query } = splitTarget(target);
    const route = routeOf(arrival.protocol, method, path);
    const agentContext = headers['agent-context'];
    const claims = typeof agentContext === 'string' ? parseClaims(agentContext) : NO_CLAIMS;
    const idempotencyKey = headers['idempotency-key'];

    const input = createInput(
      principalOf(arrival.principal),
      route.action,
      queryToJson(query),
      writeHeaders(headers),
      body.length,
      body.length === 0 ? null : bodyJson(body, headers['content-type']),
      { at: arrival.at, ip: plainIp(arrival.ip), claims },
    );

    return {
      id: arrival.id,
      receivedAt: arrival.at,
      principal: arrival.principal,
      system: system.name,
      operation: route.operation,
      method,
      target,
      path,
      headers: arrival.rawHeaders,
      body,
      resource: route.resource,
      claims,
      idempotencyKey: typeof idempotencyKey === 'string' && idempotencyKey !== '' ? idempotencyKey : null,
      traceId: parseTraceId(headers.traceparent as string | undefined),
      input,
    };
  };
}

function createHeaderWriter(system: System): (headers: IncomingHttpHeaders) => string {
  // Operators may choose any header for a credential. It must not reach the policy input or the record.
  const secret = new Set([system.agentCredential.header, system.credential?.header].map((name) => name?.toLowerCase()));
  const visible = new Map(
    VISIBLE_HEADERS.filter((name) => !secret.has(name)).map((name) => [name as string, `${JSON.stringify(name)}:`]),
  );
  return (headers) => {
    let json = '';
    for (const name in headers) {
      const prefix = visible.get(name);
      if (prefix === undefined) continue;
      json += (json === '' ? prefix : `,${prefix}`) + JSON.stringify(headers[name]);
    }
    return `{${json}}`;
  };
}

/** The plain IPv4 address of a caller on a dual-stack socket: policies compare it with IPv4 networks. */
function plainIp(ip: string): string {
  return ip.startsWith('::ffff:') && ip.includes('.') ? ip.slice(7) : ip;
}
