import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import fastify from 'fastify';
import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import { createMask } from '../../audit/mask/mask.ts';
import { listenOn } from './listen.ts';
import { createMeter } from '../metering/meter.ts';
import type { Config } from '../config/config.ts';
import type { Address } from '../config/address.ts';
import type { AgentConfig } from '../config/people.ts';
import type { Decider } from '../decide/decider.ts';
import { parseTraceId } from '../describe/http/context.ts';
import { createDescribe } from '../describe/describe.ts';
import type { Call } from '../domain/call.ts';
import type { Clock } from '../domain/clock.ts';
import type { Journal } from '../domain/journal.ts';
import type { Exchange } from '../domain/exchange.ts';
import type { HoldStore } from '../domain/hold-store.ts';
import { createId } from '../domain/id.ts';
import type { Reviewer } from '../domain/principal.ts';
import { Problem, type ProblemCode } from '../domain/problem.ts';
import type { System } from '../domain/system.ts';
import { registerAgentHolds } from './holds/routes.ts';
import { createAttend } from '../enforce/wait/serve-held-call.ts';
import { breakOff } from '../enforce/reply/break-off.ts';
import { createForward } from '../enforce/forward.ts';
import { createForwarder } from '../enforce/forwarder.ts';
import { createHoldPoint } from '../enforce/hold.ts';
import { block, refuse, sendProblem } from '../enforce/refuse.ts';
import { createOutcomes } from '../enforce/release/outcomes.ts';
import { createReleaser } from '../enforce/release/release.ts';
import { registerTunnel, type Tunnels } from '../enforce/tunnel.ts';
import { createTwins } from '../enforce/open-call-index.ts';
import { createWaitingRoom } from '../enforce/wait/hold-waiters.ts';
import { createDigest } from '../holds/binding.ts';
import { createIdentify, identifyAgent } from '../identify/identify.ts';
import { assertActive, assertGranted, createGrants, createWhyNotPermitted } from '../identify/permission.ts';
import { createRouter } from '../identify/route.ts';
import { watchSuspensions } from '../identify/suspensions.ts';
import { createAgentDirectory } from '../identify/token.ts';
import { serve, type Stages } from '../pipeline.ts';
import { createAlerts } from '../record/alerts.ts';
import { createDriftMetrics } from '../record/drift-metrics.ts';
import { createCallMetrics } from '../record/call-metrics.ts';
import { createRecorder } from '../record/recorder.ts';
import { createUsage } from '../metering/usage.ts';

// An `import` would look at everything that this module offers, and so load Node's own fetch with it: 16 MB.
const { createServer, STATUS_CODES } = process.getBuiltinModule('node:http');

/** How long a kept-alive connection may stay silent; longer than the 60 s of common load balancers, so that they close first. */
const KEEP_ALIVE = 65_000;

/**
 * Workers open the same port, and the system spreads connections over them. Where it cannot, `node:cluster` hands them
 * over; then a connection that was on its way to a worker that dies is left open, and nobody answers it.
 */
const SHARES_PORTS = process.platform === 'linux';

export type ServerDeps = {
  readonly listen: Address;
  readonly systems: Config['systems'];
  readonly agents: readonly AgentConfig[];
  /** To whom agents may hand something over, beside each other. */
  readonly reviewers: readonly Reviewer[];
  /** Name of this gateway, and of this process among the attempts to release. */
  readonly node: string;
  readonly attemptedBy: string;
  readonly policy: Omit<Decider, 'swap'>;
  readonly store: HoldStore;
  readonly journal: Journal;
  readonly log: Logger;
  readonly registry: Registry;
  readonly clock: Clock;
  /** Why this process cannot serve calls yet or any more; null when it can. */
  readonly notReady: () => string | null;
};

export type AgentsServer = {
  /**
   * Opens every agents address; resolves with where they really are (port 0 lets the system choose).
   * @throws Problem `store-unavailable`: nobody may call before it is known who is suspended and what is held
   */
  listen(): Promise<{ agents: Address; systems: ReadonlyMap<string, Address> }>;
  /** No new calls; waiting callers are sent away to come back; resolves when running ones have ended, or after `limit` ms. */
  drain(limit: number): Promise<void>;
};

/** Puts the data plane together: listeners, the path of a call, and the few endpoints that agents have beside it. */
export function buildServer(deps: ServerDeps): AgentsServer {
  const { systems, agents, policy, store, journal, log, clock, node } = deps;
  const byName = new Map<string, System>(systems.map((system) => [system.name, system]));
  const findAgent = createAgentDirectory(agents);
  const isGranted = createGrants(agents);
  const describe = createDescribe(systems);
  const identify = createIdentify({ route: createRouter(systems), findAgent });
  const forwarder = createForwarder(systems);
  const room = createWaitingRoom(store);
  let tunnels: Tunnels | null = null;
  const metrics = createCallMetrics(deps.registry, () => room.size);
  const alerts = createAlerts({ notices: store.notices, log, failed: metrics.alertFailed });
  const mask = createMask({
    policy: () => policy.mask(),
    failed(err) {
      metrics.maskFailed();
      log.warn({ err }, 'a decision could not be masked; it is on record without its input');
    },
  });
  const meter = createMeter({
    systems,
    drift: policy,
    log,
    counted: createDriftMetrics(deps.registry),
  });
  const digest = createDigest(byName);
  const suspensions = watchSuspensions(store.suspensions, () =>
    tunnels?.cut((agent, system) => suspensions.of(agent, system) !== null),
  );
  const twins = createTwins(store, digest);
  const outcomes = createOutcomes(store, (hold, { type }, why) =>
    log.warn({ hold_id: hold.id, outcome: type, why }, 'the outcome of a released call came too late to be recorded'),
  );
  const usage = createUsage({
    store: store.usage,
    wanted: () => policy.readsUsage(),
    clock,
    failed: (err) =>
      log.warn({ err }, 'usage could not be shared with other processes; policy is told that it is stale'),
  });
  const releaser = createReleaser({
    store,
    decide: (input) => policy.decide(usage.judgedAgain(input)),
    spent: usage.spent,
    forwarder,
    outcomes,
    meter,
    digest,
    systems: byName,
    barred: createWhyNotPermitted(isGranted, suspensions),
    by: deps.attemptedBy,
    clock,
  });
  const attend = createAttend({ store, room, releaser, systems: byName });

  const record = createRecorder({ journal, node, log, metrics, alerts, clock, mask, usage });
  const stages: Stages = {
    identify: ({ request, own }) => identify(request, own),
    async describe(exchange, caller) {
      assertGranted(caller, isGranted);
      assertActive(caller.principal.agent, caller.system.name, suspensions);
      return usage.judged(await describe(exchange, caller));
    },
    decide: (call: Call) => policy.decide(call.input),
    record,
    forward: createForward({ forwarder, twins, attend, meter }),
    hold: createHoldPoint({ store, attend, digest, onRecord: record.place }),
    block,
    refuse,
  };

  let running = 0;
  let draining = false;
  let whenIdle: (() => void) | null = null;

  function ended(): void {
    running -= 1;
    if (running === 0) whenIdle?.();
  }

  function broken(err: unknown, { response }: Exchange): void {
    log.error({ err }, 'a call ended in a way that nobody foresaw');
    breakOff(response);
    ended();
  }

  // Not an async function: those who wait for people may be thousands, and each would keep its frame.
  function serveCounted(exchange: Exchange): Promise<void> {
    running += 1;
    const unready = draining ? 'draining' : deps.notReady();
    const served = unready === null ? serve(stages, exchange) : turnAway(unready, exchange);
    return served.then(ended, (err: unknown) => broken(err, exchange));
  }

  async function turnAway(unready: string, exchange: Exchange): Promise<void> {
    const detail = `${unready}. Send the call again shortly.`;
    refuse(new Problem('draining', { detail, extras: { retry_after: 1 } }), null, exchange);
  }

  function serveOwn(request: IncomingMessage, response: ServerResponse): void {
    running += 1;
    response.once('close', ended);
    ownEndpoints(request, response);
  }

  const owners = new WeakMap<IncomingMessage, System>();
  const keyHeaders = [...new Set(systems.map((system) => system.agentCredential.header))];
  let ownEndpoints: (request: IncomingMessage, response: ServerResponse) => void;

  function listener(own: System | null): Server {
    const server = createServer({
      keepAliveTimeout: KEEP_ALIVE,
      requestTimeout: 120_000,
      // Java's and other clients offer `Upgrade: h2c` on ordinary calls; those stay ordinary calls. So does a handshake
      // pipelined behind a call that is not answered yet: two answers cannot share a socket.
      shouldUpgradeCallback: (request) =>
        request.method === 'GET' &&
        request.headers.upgrade?.toLowerCase() === 'websocket' &&
        underWay(request.socket) === null,
    });
    const onRequest = (request: IncomingMessage, response: ServerResponse) => {
      if (request.url?.startsWith('/-/')) serveOwn(request, response);
      else void serveCounted({ request, response, own, receivedAt: clock(), tunnel: null });
    };
    server.on('request', onRequest);
    // With this listener the interim 100 is not sent by itself: who may not call need not send the body.
    server.on('checkContinue', onRequest);
    server.on('clientError', answerUnreadable);
    return server;
  }

  const app = fastify({
    // Names of artifacts stand in paths, percent-encoded.
    routerOptions: { ignoreDuplicateSlashes: false, maxParamLength: 4096 },
    serverFactory: (handler) => {
      ownEndpoints = handler;
      return listener(null);
    },
  });
  app.setErrorHandler((error, _request, reply) => {
    reply.hijack();
    const problem = error instanceof Problem ? error : new Problem(codeOf(error), { cause: error });
    if (problem.status >= 500) log.error({ err: error }, 'an endpoint failed');
    sendProblem(reply.raw, problem, createId('dec'), 'block');
  });
  app.setNotFoundHandler(() => {
    throw new Problem('not-found');
  });
  app.get('/-/livez', () => ({ status: 'ok' }));
  app.get('/-/readyz', (_request, reply) => {
    const unready = draining ? 'draining' : deps.notReady();
    reply
      .code(unready === null ? 200 : 503)
      .send(unready === null ? { status: 'ok' } : { status: 'unready', reason: unready });
  });
  registerAgentHolds(app, {
    store,
    room,
    identify: ({ raw }) => identifyAgent(raw as IncomingMessage, keyHeaders, findAgent),
    assertActive: ({ agent }) => assertActive(agent, null, suspensions),
    recipients: {
      groups: new Set(deps.reviewers.flatMap(({ groups }) => groups)),
      people: new Set(deps.reviewers.map(({ id }) => id)),
      agents: new Set(agents.map(({ id }) => id)),
    },
    traceId: ({ headers }) => parseTraceId(headers['traceparent'] as string | undefined),
    clock,
  });
  tunnels = registerTunnel(app, systems, (request, response, tunnel) =>
    serveCounted({ request, response, own: owners.get(request) ?? null, receivedAt: clock(), tunnel }),
  );

  const addressed = systems.flatMap((system) =>
    system.address ? [{ system, address: system.address, server: listener(system) }] : [],
  );
  for (const { system, server } of addressed) {
    server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      owners.set(request, system);
      app.server.emit('upgrade', request, socket, head);
    });
  }

  return {
    async listen() {
      await Promise.all([store.suspensions.refresh(), twins.start(), app.ready()]);
      usage.start();
      const agents = await open(app.server, deps.listen);
      const own = await Promise.all(
        addressed.map(async ({ system, address, server }) => [system.name, await open(server, address)] as const),
      );
      return { agents, systems: new Map(own) };
    },
    async drain(limit) {
      draining = true;
      room.drain();
      const servers = [app.server, ...addressed.map(({ server }) => server)];
      for (const server of servers) {
        server.close();
        server.closeIdleConnections();
      }
      const until = performance.now() + limit;
      const late = new Promise<void>((resolve) => setTimeout(resolve, limit).unref());
      if (running > 0) {
        const idle = new Promise<void>((resolve) => (whenIdle = resolve));
        await Promise.race([idle, late]);
      }
      for (const server of servers) server.closeAllConnections();
      await Promise.all([
        outcomes.close(until - performance.now()),
        Promise.race([alerts.settled(), late]),
        app.close(),
      ]);
      twins.stop();
      suspensions.stop();
      await usage.stop();
      await forwarder.close();
    },
  };
}

async function open(server: Server, address: Address): Promise<Address> {
  await listenOn(server, address, { backlog: 1024, reusePort: SHARES_PORTS });
  const { address: host, port } = server.address() as AddressInfo;
  return { host, port };
}

/** The answer that a socket is occupied with. Node keeps it there, and asks it in its own handler of broken requests. */
function underWay(socket: Duplex): ServerResponse | null {
  return (socket as Duplex & { readonly _httpMessage?: ServerResponse | null })._httpMessage ?? null;
}

/** What fastify itself refuses (a body that is no JSON, a path that it cannot decode) is the caller's mistake. */
function codeOf(error: unknown): ProblemCode {
  const status = (error as { readonly statusCode?: unknown }).statusCode;
  if (status === 413) return 'handoff-too-large';
  return typeof status === 'number' && status >= 400 && status < 500 ? 'bad-request' : 'internal';
}

const UNREADABLE_STATUS: Record<string, number> = { HPE_HEADER_OVERFLOW: 431, ERR_HTTP_REQUEST_TIMEOUT: 408 };

/** What the HTTP parser refuses (bare LF, two lengths, obsolete folding and other smuggling) is answered and cut off. */
function answerUnreadable(error: NodeJS.ErrnoException, socket: Duplex): void {
  // Response splitting: an answer to what cannot be read must not be taken for the answer to a call before it, which is
  // being served or already answered in part.
  const other = underWay(socket);
  if (!socket.writable || error.code === 'ECONNRESET' || other?.req.complete || other?.headersSent) {
    socket.destroy();
    return;
  }
  const status = UNREADABLE_STATUS[error.code ?? ''] ?? 400;
  const decision_id = createId('dec');
  const body = JSON.stringify({ ...new Problem('bad-request').toJSON(), status, decision_id });
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    'content-type: application/problem+json',
    `content-length: ${Buffer.byteLength(body)}`,
    `holdpoint-decision: ${decision_id}`,
    'holdpoint-verdict: block',
    'connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
}
