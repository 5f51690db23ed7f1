import type { IncomingHttpHeaders } from 'node:http';
import { NO_CLAIMS, type Call } from '../../domain/call.ts';
import { createHeaderRoles, isVisible, plainName, type HeaderRoles } from '../../domain/header-roles.ts';
import { isKnownHeader } from '../../domain/known-headers.ts';
import type { CallInput } from '../../domain/call-input.ts';
import { actionText, createInput, principalText, type ActionText } from '../../domain/policy-input.ts';
import { Problem } from '../../domain/problem.ts';
import { NO_WORDS, type Words } from '../../domain/words.ts';
import type { Principal } from '../../domain/principal.ts';
import type { System } from '../../domain/system.ts';
import type { CheckedJson } from '../../json/scanned-object.ts';
import { maskText } from '../../secrets/secret.ts';
import type { Readings } from './readings.ts';
import { readBodyAs, readIgnoringType } from './body-json.ts';
import { parseClaims, parseTraceId } from './context.ts';
import { readQuery } from './form.ts';
import { isGraphqlPath, readGraphql } from './graphql.ts';
import { createOperationNamer, type NamedOperation } from './operation.ts';
import { otherCases, readCase } from './path-case.ts';
import { pathOf, readPath } from './path-readings.ts';
import { splitTarget } from './path.ts';

/** A call as it arrived. Its head passed the framing check, its body is read and its caller is identified. */
export type Arrival = {
  readonly id: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly principal: Principal;
  /** Path and query below the system, as received. Without a path, the call is for the upstream's own. */
  readonly target: string;
  readonly method: string;
  readonly rawHeaders: readonly string[];
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  /** The body without its content coding. Empty when it is content that policy does not read. */
  readonly decoded: Buffer;
  readonly ip: string;
  /** A WebSocket handshake is a kind of its own: permission to read does not allow opening a tunnel. */
  readonly protocol: 'http' | 'websocket';
};

type Route = Pick<NamedOperation, 'operation' | 'resource'> & {
  readonly action: ActionText;
  /** The reading of the path. Two spellings of one reading share it. */
  readonly segments: readonly string[];
  readonly isGraphql: boolean;
};

type Routes = {
  /** The first is how a call is named; more than one where systems read its path in several ways. */
  readonly ways: Readings<Route>;
  /** The path as policy spells it, for systems that ignore the case. */
  readonly otherCases: readonly Route[];
};

/** Limits of the route cache. Repeated paths are worth caching; paths with an identifier come and go. */
const MAX_ROUTES = 1000;
const MAX_ROUTE_LENGTH = 256;
/** Agents send the same few headers over and over. */
const MAX_HEADERS = 1000;
/** More readings of one call are a probe, not a need. Policy is evaluated for each. */
const MAX_READINGS = 4;
/** Most readings of which policy may tell apart few. */
const MAX_CANDIDATES = 64;

const NO_BODY: Readings<null> = [null];
const NO_OTHERS: readonly [] = [];
const NO_CANDIDATES: readonly Candidate[] = [];

/** One way in which a system may read a call. */
type Candidate = { readonly route: Route; readonly query: string; readonly body: CheckedJson | null };

/** What a description takes from the policy in force. */
export type PolicyView = {
  /** An input as far as policy reads it. */
  sees(input: CallInput): unknown;
  words(): Words;
};

/**
 * Describes the calls to one system. The policy input is assembled as text that contains the body's own text: what is
 * judged is exactly what was sent, and nothing is parsed or serialized twice.
 *
 * @param policy the policy in force
 *
 * The returned function throws Problem `ambiguous-path`, `bad-request`, `bad-body` or `bad-context`.
 * @throws Error for the operator, if the system's OpenAPI document cannot be used
 */
export function createDescriber(
  system: System,
  policy: PolicyView = { sees: (input) => input, words: () => NO_WORDS },
): (arrival: Arrival) => Call {
  const nameOperation = createOperationNamer(system.openapi, system.upstream.pathname);
  const isWholePath = system.upstream.pathname === '/';
  const writeHeaders = createHeaderWriter(createHeaderRoles(system));
  const routes = new Map<string, Routes>();
  let words = NO_WORDS;

  function routesOf(protocol: Arrival['protocol'], method: string, path: string): Routes {
    if (words !== policy.words()) {
      words = policy.words();
      routes.clear();
    }
    const key = `${protocol} ${method} ${path}`;
    let found = routes.get(key);
    if (found === undefined) {
      found = createRoutes(protocol, method, path);
      if (key.length <= MAX_ROUTE_LENGTH) {
        if (routes.size >= MAX_ROUTES) routes.clear();
        routes.set(key, found);
      }
    }
    return found;
  }

  function createRoutes(protocol: Arrival['protocol'], method: string, path: string): Routes {
    const found: Route[] = [];
    const cases: Route[] = [];
    const create = (
      segments: readonly string[],
      { operation, resource }: NamedOperation,
      spelling: string,
      isOtherCase = false,
    ): Route => {
      const members = { operation, method, path: spelling, segments, protocol, isOtherCase };
      const action = actionText(system.name, members, resource);
      return { operation, resource, segments, action, isGraphql: isGraphqlPath(segments) };
    };
    // One too many tells that there are too many.
    for (const decoded of readPath(path, system.path, isWholePath, MAX_READINGS + 1)) {
      const named = nameOperation(method, decoded);
      for (const segments of readCase(named, decoded, system.path?.case)) {
        const operation = segments === decoded ? named : nameOperation(method, segments);
        const ownPath = pathOf(segments, path);
        const isFirst = found.length === 0;
        if (isFirst) found.push(create(segments, operation, path));
        // A rule that compares paths must see //admin and /%61dmin as /admin.
        if (!isFirst || ownPath !== path) found.push(create(segments, operation, ownPath));
      }
      if (system.path?.case !== undefined) continue;
      for (const segments of otherCases(decoded, words, MAX_CANDIDATES))
        cases.push(create(segments, nameOperation(method, segments), pathOf(segments, path), true));
    }
    return { ways: found as [Route, ...Route[]], otherCases: cases };
  }

  return (arrival) => {
    const { method, target, headers, body } = arrival;
    const { path, query } = splitTarget(target);
    const { ways, otherCases: cases } = routesOf(arrival.protocol, method, path);
    const [route] = ways;
    const queries = readQuery(query, system.formFields);
    const judged = arrival.decoded;
    const isEmpty = judged.length === 0;
    const type = headers['content-type'];
    const bodies = isEmpty
      ? NO_BODY
      : readBodyAs(judged, type, system.formFields, path, headers['soapaction'] as string | undefined);
    const unlikely = isEmpty ? NO_OTHERS : readIgnoringType(judged, type, bodies[0]);
    const agentContext = headers['agent-context'];
    const claims = typeof agentContext === 'string' ? parseClaims(agentContext) : NO_CLAIMS;
    const idempotencyKey = headers['idempotency-key'];

    const headersJson = writeHeaders(headers);
    const context = { at: arrival.at, ip: plainIp(arrival.ip), claims };
    const inputOf = (of: Candidate, readings = 1): CallInput =>
      createInput(
        principalText(arrival.principal),
        of.route.action,
        of.query,
        headersJson,
        body.length,
        of.body,
        context,
        readGraphql(of.route.isGraphql, of.query, isEmpty ? null : (of.body ?? undefined)),
        readings,
      );
    const usual: Candidate = { route, query: queries[0], body: bodies[0] };
    const others =
      ways.length === 1 && queries.length === 1 && bodies.length === 1 && unlikely.length === 0 && cases.length === 0
        ? NO_CANDIDATES
        : tellApart(
            combine(ways, queries, bodies),
            combine(ways, queries, unlikely),
            combine(cases, queries, [...bodies, ...unlikely]),
            (of) => policy.sees(inputOf(of)),
          );
    const readings = 1 + others.length;

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
      input: inputOf(usual, readings),
      otherReadings: readings === 1 ? NO_OTHERS : others.map((of) => inputOf(of, readings)),
    };
  };
}

/** Every combination, the usual one first: one system may differ from another in each. */
function combine(
  ways: readonly Route[],
  queries: readonly string[],
  bodies: readonly (CheckedJson | null)[],
): readonly Candidate[] {
  return ways.flatMap((route) => queries.flatMap((query) => bodies.map((body) => ({ route, query, body }))));
}

/**
 * The readings besides the first. What policy cannot tell apart is one reading of a path.
 * @param sure ways in which systems read such calls
 * @param unlikely ways that count only if policy finds something in the body
 * @param cases ways that count only if a rule holds or blocks
 */
function tellApart(
  sure: readonly Candidate[],
  unlikely: readonly Candidate[],
  cases: readonly Candidate[],
  shown: (of: Candidate) => unknown,
): readonly Candidate[] {
  const candidates = sure.length + unlikely.length + cases.length;
  if (candidates > MAX_CANDIDATES) throw tooManyReadings();
  const known = new Map<Route['segments'], Set<unknown>>();
  const isNew = (of: Candidate): boolean => {
    const { segments } = of.route;
    const seen = known.get(segments) ?? new Set();
    known.set(segments, seen);
    return seen.size < seen.add(shown(of)).size;
  };
  const found = unlikely.filter((of) => shown(of) !== shown({ ...of, body: '{}' }));
  const different = sure.filter(isNew);
  if (different.length > MAX_READINGS) throw tooManyReadings();
  // These are no fault of the agent, which may send any text in JSON and any name in a path, so they do not count.
  const [, ...others] = [...different, ...found.filter(isNew), ...cases.filter(isNew)];
  return others;
}

/** How a header is written into the input, by its name. The value of a header that the gateway knows is no secret. */
type HeaderMember = { readonly name: string; readonly isKnown: boolean };

/** The headers that policy sees, as JSON text. No header is sent twice, so none is there under two spellings. */
export function createHeaderWriter(roleOf: HeaderRoles): (headers: IncomingHttpHeaders) => string {
  const members = new Map<string, HeaderMember | null>();

  function memberOf(name: string): HeaderMember | null {
    let member = members.get(name);
    if (member === undefined) {
      const known = { name: `${JSON.stringify(plainName(name))}:`, isKnown: isKnownHeader(name) };
      member = isVisible(roleOf(name)) ? known : null;
      if (members.size >= MAX_HEADERS) members.clear();
      members.set(name, member);
    }
    return member;
  }

  return (headers) => {
    let json = '';
    for (const name in headers) {
      const member = memberOf(name);
      if (member === null) continue;
      const value = headers[name] as string;
      // The input is recorded. An unknown header may carry a credential, which is sent but must not be shown.
      json +=
        (json === '' ? member.name : `,${member.name}`) + JSON.stringify(member.isKnown ? value : maskText(value));
    }
    return `{${json}}`;
  };
}

function tooManyReadings(): Problem {
  return new Problem('bad-request', {
    detail:
      `Systems could read this call in more than ${MAX_READINGS} ways, and policy judges no more. Send fewer encoded slashes, ` +
      'empty segments and path parameters, no name twice, %3B for a semicolon, and a body of the type that Content-Type names, or have an operator declare how the system reads.',
  });
}

/** The plain IPv4 address of a caller on a dual-stack socket: policies compare it with IPv4 networks. */
export function plainIp(ip: string): string {
  return ip.startsWith('::ffff:') && ip.includes('.') ? ip.slice(7) : ip;
}
