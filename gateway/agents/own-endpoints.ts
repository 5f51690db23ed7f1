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
import { HttpReply } from '../enforce/reply/http-reply.ts';
import { sharedHeaders } from '../enforce/reply/shared-headers.ts';
import type { Links } from '../enforce/links/links.ts';
import type { GatewayUrls } from '../enforce/reply/gateway-urls.ts';
import type { HoldWaiters } from '../enforce/wait/hold-waiters.ts';
import { NodeResponse } from '../wire/node-message.ts';
import { identifyAgent } from '../identify/identify.ts';
import { assertActive } from '../identify/permission.ts';
import type { Suspensions } from '../identify/suspensions.ts';
import type { AgentDirectory } from '../identify/token.ts';
import type { CallSettings } from './enforcement.ts';
import { registerAgentHolds } from './holds/routes.ts';
import type { Recipients } from './holds/handoff-form.ts';

/** What the endpoints take from the configuration. */
export type OwnSettings = {
  /** The headers in which agents may send their token. */
  readonly keyHeaders: readonly string[];
  readonly findAgent: AgentDirectory;
  readonly recipients: Recipients;
};

export function ownSettings(
  { systems, agents }: CallSettings,
  reviewers: readonly Reviewer[],
  findAgent: AgentDirectory,
): OwnSettings {
  return {
    keyHeaders: [...new Set(systems.map((system) => system.agentCredential.header))],
    findAgent,
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
  readonly links: Links;
  readonly urls: GatewayUrls;
  /** The name of the system that has the address at which a request came. */
  readonly ownerOf: (request: IncomingMessage) => string | undefined;
  /** Which pages may read the answer to a request, if any may. */
  readonly sharingOf: (request: IncomingMessage) => Sharing | undefined;
  /** Why this process cannot serve calls now; null if it can. */
  readonly notReady: () => string | null;
  readonly log: Logger;
  readonly clock: Clock;
  /** Creates the server. `serve` handles requests to these endpoints. */
  readonly createServer: (serve: (request: IncomingMessage, response: ServerResponse) => void) => Server;
}): FastifyInstance {
  const { settings, suspensions, log } = deps;
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
    links: deps.links,
    replyTo: (request, reply) => replyTo(request.raw as IncomingMessage, reply.raw as ServerResponse),
    identify({ raw }) {
      const { keyHeaders, findAgent } = settings();
      return identifyAgent(raw as IncomingMessage, keyHeaders, findAgent);
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
