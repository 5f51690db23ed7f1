import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import type { Config } from '../config/config.ts';
import type { Address } from '../config/address.ts';
import type { AgentConfig } from '../config/people.ts';
import type { Decider } from '../decide/decider.ts';
import type { Clock } from '../domain/clock.ts';
import type { Exchange } from '../domain/exchange.ts';
import type { Store } from '../domain/store.ts';
import type { Journal } from '../domain/journal.ts';
import type { Reviewer } from '../domain/principal.ts';
import { Problem } from '../domain/problem.ts';
import type { Tunnel } from '../domain/reply.ts';
import type { System } from '../domain/system.ts';
import { refuse } from '../enforce/refuse.ts';
import { isDraining } from '../enforce/reply/end-after-body.ts';
import { HttpReply } from '../enforce/reply/http-reply.ts';
import { registerTunnel, type Tunnels } from '../enforce/tunnel.ts';
import { createPatience, type Patience } from '../enforce/wait/patience.ts';
import { createHoldWaiters } from '../enforce/wait/hold-waiters.ts';
import { createAgentDirectory } from '../identify/token.ts';
import { serve } from '../pipeline.ts';
import type { LogCall } from '../record/canonical-line.ts';
import { createEnforcement } from './enforcement.ts';
import { createHttpServer, openServer } from './http-server.ts';
import { createOwnEndpoints } from './own-endpoints.ts';
import { RunningCalls } from './running-calls.ts';
import { createStages } from './stages.ts';

export type ServerDeps = {
  readonly listen: Address;
  readonly systems: Config['systems'];
  readonly agents: readonly AgentConfig[];
  /** The people to which agents may hand work. */
  readonly reviewers: readonly Reviewer[];
  /** The name of this gateway, and of this process in its attempts to release. */
  readonly node: string;
  readonly attemptedBy: string;
  readonly policy: Omit<Decider, 'swap'>;
  readonly store: Pick<Store, 'holds' | 'contents' | 'suspensions' | 'notifications' | 'usage' | 'senders'>;
  readonly journal: Journal;
  readonly log: Logger;
  /** Writes the line of a call into the same log. */
  readonly logCall: LogCall;
  readonly registry: Registry;
  readonly clock: Clock;
  /** Told of each client that left a held call: other workers should know it too. */
  readonly clientLeft?: (client: string, after: number) => void;
  /** Why this process cannot serve calls now; null if it can. */
  readonly notReady: () => string | null;
};

export type AgentsServer = {
  /** Another worker saw this client leaving a held call after so many milliseconds. */
  readonly clientLeft: Patience['left'];
  /**
   * Opens every address for agents. Resolves with the actual addresses: port 0 lets the kernel choose.
   * @throws Problem `store-unavailable`: no call may be served before suspensions and open holds are known
   */
  listen(): Promise<{ agents: Address; systems: ReadonlyMap<string, Address> }>;
  /**
   * No new calls; waiting callers are sent away to come back; resolves when running ones have ended, or after `limit`
   * ms.
   */
  drain(limit: number): Promise<void>;
};

/** Assembles the data plane: listeners, the path of a call, and the gateway's own endpoints for agents. */
export function buildServer(deps: ServerDeps): AgentsServer {
  const { systems, store, log, clock } = deps;
  let tunnels: Tunnels | null = null;
  const enforcement = createEnforcement({
    ...deps,
    usageFailed: (err) => log.warn({ err }, 'usage counts could not be shared; policy is told that they are stale'),
    suspensionsChanged: () => tunnels?.cut((agent, system) => enforcement.suspensions.of(agent, system) !== null),
  });
  const { suspensions, usage, outcomes, forwarder, links } = enforcement;
  const findAgent = createAgentDirectory(deps.agents);
  const waiters = createHoldWaiters(store.holds);
  const known = createPatience();
  const patience: Patience = {
    ...known,
    left(client, after) {
      known.left(client, after);
      deps.clientLeft?.(client, after);
    },
  };
  const { stages, alerts, ...inService } = createStages({ ...deps, enforcement, findAgent, waiters, patience });

  const running = new RunningCalls();
  let draining = false;
  const notReady = () => (draining ? 'draining' : deps.notReady());

  // Not an async function, to save memory: thousands of callers may wait for reviewers, and each would keep a frame.
  function serveExchange(exchange: Exchange): Promise<void> {
    running.began();
    const unready = notReady();
    const served = unready === null ? serve(stages, exchange) : turnAway(unready, exchange);
    return served.then(running.ended, (err: unknown) => {
      log.error({ err }, 'unhandled error while serving a call');
      exchange.reply.abort();
      running.ended();
    });
  }

  function serverFor(
    own: System | null,
    ownEndpoints: (request: IncomingMessage, response: ServerResponse) => void,
  ): Server {
    return createHttpServer((request, response) => {
      if (isDraining(request.socket)) response.destroy();
      else if (request.url?.startsWith('/-/')) {
        if (own) owners.set(request, own);
        running.began();
        response.once('close', running.ended);
        ownEndpoints(request, response);
      } else void serveExchange({ request, reply: new HttpReply(response, own?.name), own, receivedAt: clock() });
    });
  }

  const owners = new WeakMap<IncomingMessage, System>();
  let ownEndpoints: (request: IncomingMessage, response: ServerResponse) => void;
  const app = createOwnEndpoints({
    ...deps,
    findAgent,
    suspensions,
    waiters,
    links,
    ownerOf: (request) => owners.get(request)?.name,
    notReady,
    createServer: (serve) => serverFor(null, (ownEndpoints = serve)),
  });
  const addressed = systems.flatMap((system) =>
    system.address ? [{ system, address: system.address, server: serverFor(system, ownEndpoints) }] : [],
  );

  tunnels = registerTunnel(app, systems, (request, response, tunnel: Tunnel) =>
    serveExchange({
      request,
      reply: new HttpReply(response, owners.get(request)?.name, tunnel),
      own: owners.get(request) ?? null,
      receivedAt: clock(),
    }),
  );
  for (const { system, server } of addressed) {
    server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      owners.set(request, system);
      app.server.emit('upgrade', request, socket, head);
    });
  }

  return {
    clientLeft: known.left,
    async listen() {
      await Promise.all([store.suspensions.refresh(), inService.start(), app.ready()]);
      usage.start();
      const agents = await openServer(app.server, deps.listen);
      const own = await Promise.all(
        addressed.map(async ({ system, address, server }) => [system.name, await openServer(server, address)] as const),
      );
      return { agents, systems: new Map(own) };
    },
    async drain(limit) {
      draining = true;
      waiters.drain();
      const until = performance.now() + limit;
      const late = new Promise<void>((resolve) => setTimeout(resolve, limit).unref());
      const ended = Promise.race([running.idle(), late]);
      await closeServers([app.server, ...addressed.map(({ server }) => server)], ended);
      await Promise.all([
        outcomes.close(until - performance.now()),
        Promise.race([alerts.settled(), late]),
        app.close(),
      ]);
      await Promise.race([inService.stop().catch(() => {}), late]);
      suspensions.stop();
      await usage.stop();
      await forwarder.close();
    },
  };
}

/** Refuses new connections, and closes open ones when running calls have ended. */
async function closeServers(servers: readonly Server[], ended: Promise<void>): Promise<void> {
  for (const server of servers) {
    server.close();
    server.closeIdleConnections();
  }
  await ended;
  for (const server of servers) server.closeAllConnections();
}

async function turnAway(unready: string, { reply }: Exchange): Promise<void> {
  const detail = `${unready}. Send the call again shortly.`;
  refuse(new Problem('draining', { detail, extras: { retry_after: 1 } }), null, reply);
}
