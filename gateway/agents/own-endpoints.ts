import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import fastify, { type FastifyInstance } from 'fastify';
import type { Logger } from 'pino';
import { parseTraceId } from '../describe/http/context.ts';
import type { Clock } from '../domain/clock.ts';
import type { Store } from '../domain/store.ts';
import { createId } from '../domain/id.ts';
import type { Reviewer } from '../domain/principal.ts';
import { Problem, type ProblemCode } from '../domain/problem.ts';
import type { Sharing } from '../domain/reply.ts';
import type { WrongTokens } from '../domain/wrong-tokens.ts';
import { HttpReply } from '../enforce/reply/http-reply.ts';
import { sharedHeaders } from '../enforce/reply/shared-headers.ts';
import type { Links } from '../enforce/links/links.ts';
import type { GatewayUrls } from '../enforce/reply/gateway-urls.ts';
import type { HoldWaiters } from '../enforce/wait/hold-waiters.ts';
import type { Tellings } from '../enforce/wait/tellings.ts';
import {
  agentInHeader,
  agentInQuery,
  agentOfHoldPass,
  unauthenticated,
  type TokenPlaces,
} from '../identify/identify.ts';
import type { ReadPass } from '../identify/passes.ts';
import { NodeResponse } from '../wire/node-message.ts';
import { assertActive } from '../identify/permission.ts';
import type { Suspensions } from '../identify/suspensions.ts';
import type { AgentDirectory } from '../identify/token.ts';
import type { CallSettings } from './enforcement.ts';
import { registerAgentHolds } from './holds/routes.ts';
import type { Recipients } from './holds/handoff-form.ts';

/** What the endpoints take from the configuration. */
export type OwnSettings = {
  readonly tokenPlaces: TokenPlaces;
  readonly findAgent: AgentDirectory;
  readonly readPass: ReadPass;
  readonly recipients: Recipients;
};

export function ownSettings(
  { systems, agents }: CallSettings,
  reviewers: readonly Reviewer[],
  findAgent: AgentDirectory,
  readPass: ReadPass,
): OwnSettings {
  return {
    tokenPlaces: {
      headers: [...new Set(systems.map((system) => system.agentCredential.header))],
      parameters: [...new Set(systems.flatMap((system) => system.agentCredential.query ?? []))],
    },
    findAgent,
    readPass,
    recipients: {
      groups: new Set(reviewers.flatMap(({ groups }) => groups)),
      people: new Set(reviewers.map(({ id }) => id)),
      agents: new Set(agents.map(({ id }) => id)),
    },
  };
}

/** The gateway's own endpoints for agents, below `/-/`: health and holds. */
export function createOwnEndpoints(deps: {
  /** What follows from the configuration in force. */
  readonly settings: () => OwnSettings;
  readonly suspensions: Suspensions;
  readonly store: Pick<Store, 'holds' | 'contents'>;
  readonly waiters: HoldWaiters;
  readonly tellings: Tellings;
  readonly links: Links;
  readonly urls: GatewayUrls;
  /** The name of the system that has the address at which a request came. */
  readonly ownerOf: (request: IncomingMessage) => string | undefined;
  /** Which pages may read the answer to a request, if any may. */
  readonly sharingOf: (request: IncomingMessage) => Sharing | undefined;
  /** Why this process cannot serve calls now; null if it can. */
  readonly notReady: () => string | null;
  readonly wrongTokens: WrongTokens;
  /** Told of each handoff that a limit refused. */
  readonly limited: (code: ProblemCode) => void;
  readonly log: Logger;
  readonly clock: Clock;
  /** Creates the server. `serve` handles requests to these endpoints. */
  readonly createServer: (serve: (request: IncomingMessage, response: ServerResponse) => void) => Server;
}): FastifyInstance {
  const { settings, suspensions, log } = deps;
  const byHeader = (request: IncomingMessage) => agentInHeader(request, settings().tokenPlaces, settings().findAgent);
  const byQuery = (request: IncomingMessage) => agentInQuery(request, settings().tokenPlaces, settings().findAgent);
  const app = fastify({
    // Paths contain artifact names, percent-encoded.
    routerOptions: { ignoreDuplicateSlashes: false, maxParamLength: 4096 },
    serverFactory: deps.createServer,
  });
  const replyTo = (request: IncomingMessage, response: ServerResponse) => {
    const reply = new HttpReply(new NodeResponse(response), deps.urls, deps.ownerOf(request));
    const sharing = deps.sharingOf(request);
    if (sharing) reply.shareWith(sharing);
    return reply;
  };
  app.addHook('onRequest', async ({ raw }, reply) => {
    const sharing = deps.sharingOf(raw as IncomingMessage);
    if (sharing) reply.headers(sharedHeaders(sharing));
  });
  app.setErrorHandler((error, request, reply) => {
    reply.hijack();
    const problem = error instanceof Problem ? error : new Problem(codeOf(error), { cause: error });
    if (problem.status >= 500) log.error({ err: error }, 'unhandled error in an endpoint for agents');
    if (problem.code === 'too-many-handoffs') deps.limited(problem.code);
    replyTo(request.raw as IncomingMessage, reply.raw as ServerResponse).problem(createId('dec'), 'block', problem);
  });
  app.setNotFoundHandler(() => {
    throw new Problem('not-found');
  });
  app.get('/-/livez', () => ({ status: 'ok' }));
  app.get('/-/readyz', (_request, reply) => {
    const unready = deps.notReady();
    reply
      .code(unready === null ? 200 : 503)
      .send(unready === null ? { status: 'ok' } : { status: 'unready', reason: unready });
  });
  registerAgentHolds(app, {
    holds: deps.store.holds,
    contents: deps.store.contents,
    waiters: deps.waiters,
    tellings: deps.tellings,
    links: deps.links,
    replyTo({ raw }, { raw: response }) {
      const request = raw as IncomingMessage;
      const reply = replyTo(request, response as ServerResponse);
      const principal = byHeader(request) ? null : byQuery(request);
      if (principal) reply.needsPass(principal.agent);
      return reply;
    },
    identify({ raw }) {
      const principal = byHeader(raw as IncomingMessage) ?? byQuery(raw as IncomingMessage);
      if (!principal) throw unauthenticated(raw as IncomingMessage, settings().tokenPlaces.headers, deps.wrongTokens);
      return principal;
    },
    identifyReader({ raw, params: { id } }) {
      const request = raw as IncomingMessage;
      return byHeader(request) ?? byQuery(request) ?? agentOfHoldPass(request, id, settings().readPass);
    },
    assertActive: ({ agent }) => assertActive(agent, null, suspensions),
    recipients: () => settings().recipients,
    traceId: ({ headers }) => parseTraceId(headers['traceparent'] as string | undefined),
    clock: deps.clock,
  });
  return app;
}

/** Errors that fastify itself raises (an undecodable path, a body too large) are the caller's mistakes. */
function codeOf(error: unknown): ProblemCode {
  const status = (error as { readonly statusCode?: unknown }).statusCode;
  if (status === 413) return 'handoff-too-large';
  return typeof status === 'number' && status >= 400 && status < 500 ? 'bad-request' : 'internal';
}
