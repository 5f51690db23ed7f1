import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import type { Address } from '../config/address.ts';
import type { Decider } from '../decide/decider.ts';
import type { Clock } from '../domain/clock.ts';
import type { Store } from '../domain/store.ts';
import type { Journal } from '../domain/journal.ts';
import type { Reviewer } from '../domain/principal.ts';
import type { Exchange } from '../domain/exchange.ts';
import type { Passes } from '../domain/pass.ts';
import { Problem } from '../domain/problem.ts';
import type { AgentResponse } from '../domain/message.ts';
import type { ConnectionReply, Sharing, Tunnel } from '../domain/reply.ts';
import type { InFlight } from '../domain/work.ts';
import { refuse } from '../enforce/refuse.ts';
import { answerPreflight } from '../enforce/reply/answer-preflight.ts';
import { answerProbe } from '../enforce/reply/answer-probe.ts';
import { HttpReply } from '../enforce/reply/http-reply.ts';
import { registerTunnel, type Tunnels } from '../enforce/tunnel.ts';
import { createCancellations, type Cancellations } from '../enforce/wait/cancellations.ts';
import { createPatience, type Patience } from '../enforce/wait/patience.ts';
import { createHoldWaiters } from '../enforce/wait/hold-waiters.ts';
import { createTellings } from '../enforce/wait/tellings.ts';
import { createReadPass } from '../identify/passes.ts';
import { createRefusalOf } from '../identify/permission.ts';
import { createAgentDirectory } from '../identify/token.ts';
import { serve, type Stages } from '../pipeline.ts';
import type { LogCall } from '../record/canonical-line.ts';
import { NodeResponse } from '../wire/node-message.ts';
import { createEnforcement, type CallSettings } from './enforcement.ts';
import { createHttpServer, openServer } from './http-server.ts';
import { createLimits } from './limits.ts';
import { createOwnEndpoints, ownSettings, type OwnSettings } from './own-endpoints.ts';
import { isProbe } from './probe.ts';
import { RunningCalls } from './running-calls.ts';
import { createSharing, isPreflight } from './sharing.ts';
import { createStages } from './stages.ts';

/** The part of a configuration that the data plane follows while it runs. */
export type ServerSettings = CallSettings & {
  /** The people to which agents may hand work. */
  readonly reviewers: readonly Reviewer[];
};

export type ServerDeps = ServerSettings & {
  readonly listen: Address;
  /** Most bytes of the head of a request. */
  readonly headLimit: number;
  /** The name of this gateway, and of this process in its attempts to release. */
  readonly node: string;
  readonly attemptedBy: string;
  /** Whether no other process holds calls. */
  readonly alone: boolean;
  readonly policy: Omit<Decider, 'swap'>;
  readonly passes: Passes;
  readonly store: Pick<
    Store,
    'holds' | 'contents' | 'suspensions' | 'notifications' | 'usage' | 'senders' | 'tools' | 'tasks'
  >;
  readonly journal: Journal;
  readonly log: Logger;
  /** Writes the line of a call into the same log. */
  readonly logCall: LogCall;
  readonly registry: Registry;
  readonly clock: Clock;
  /** Told of each client that left a held call: other workers should know it too. */
  readonly clientLeft?: (client: string, after: number) => void;
  /** Told of each request that its client cancels: another worker may have it. */
  readonly requestCancelled?: (request: string) => void;
  /** Why this process cannot serve calls now; null if it can. */
  readonly notReady: () => string | null;
};

export type AgentsServer = {
  /** Another worker saw this client leaving a held call after so many milliseconds. */
  readonly clientLeft: Patience['left'];
  /** The calls that are being served now, without those that wait for people. */
  inFlight(): InFlight;
  /** Another policy is in force. */
  policyChanged(): void;
  /** Another worker was told that a client cancels this request. */
  readonly requestCancelled: (request: string) => void;
  /**
   * Opens every address for agents. Resolves with the actual addresses: port 0 lets the kernel choose.
   * @throws Problem `store-unavailable`: no call may be served before suspensions and open holds are known
   */
  listen(): Promise<{ agents: Address; systems: ReadonlyMap<string, Address> }>;
  /**
   * Brings a configuration into force for the calls that begin now. Calls under way finish under theirs, but those of
   * agents that lost their system end. A system cannot get or change an address of its own.
   */
  configure(settings: ServerSettings): void;
  /**
   * No new calls; waiting callers are sent away to come back; resolves when running ones have ended, or after `limit`
   * ms.
   */
  drain(limit: number): Promise<void>;
};

/** Assembles the data plane: listeners, the path of a call, and the gateway's own endpoints for agents. */
export function buildServer(deps: ServerDeps): AgentsServer {
  const { store, log, clock } = deps;
  let tunnels: Tunnels | null = null;
  const enforcement = createEnforcement({
    ...deps,
    usageFailed: (err) =>
      log.warn(
        { err },
        'usage counts could not be shared; calls that policy allows by usage are refused until the store answers',
      ),
    suspensionsChanged: () => cutOff(),
    asked: (...of) => asked(...of),
  });
  const { suspensions, usage, outcomes, forwarder, links, urls } = enforcement;
  const { limited, wrongTokens } = createLimits(deps.registry, clock);
  const refusalOf = createRefusalOf(enforcement.isGranted, suspensions);
  const running = new RunningCalls();
  /** Ends the calls and tunnels of agents that may not call their system any more. */
  function cutOff(): void {
    running.cut(refusalOf);
    tunnels?.cut(refusalOf);
  }
  const waiters = createHoldWaiters(store.holds);
  const known = createPatience();
  const patience: Patience = {
    ...known,
    left(client, after) {
      known.left(client, after);
      deps.clientLeft?.(client, after);
    },
  };
  const waiting = createCancellations();
  const cancellations: Cancellations = {
    ...waiting,
    cancelled(request) {
      waiting.cancelled(request);
      deps.requestCancelled?.(request);
    },
  };
  const tellings = createTellings(store.holds, deps.attemptedBy);
  const { assemble, alerts, asked, ...inService } = createStages({
    ...deps,
    enforcement,
    waiters,
    patience,
    cancellations,
    tellings,
    wrongTokens,
  });
  /** What serves the calls that begin now. A configuration replaces it as a whole. */
  let inForce = build(deps);

  function build(settings: ServerSettings): {
    readonly stages: Stages;
    readonly own: OwnSettings;
    readonly sharing: ReturnType<typeof createSharing>;
  } {
    const findAgent = createAgentDirectory(settings.agents);
    const readPass = createReadPass(deps.passes, settings.agents);
    return {
      stages: assemble(findAgent, readPass),
      own: ownSettings(settings, settings.reviewers, findAgent, readPass),
      sharing: createSharing(settings.systems),
    };
  }

  let draining = false;
  const notReady = () => (draining ? 'draining' : deps.notReady());

  function begin(own: string | null, exchange: Exchange): Promise<void> {
    const unready = notReady();
    if (unready !== null) return turnAway(unready, exchange);
    // The system of this address left the configuration. Its calls must not reach another.
    if (own !== null && exchange.own === null) return turnAwayForGood(exchange.reply);
    return serve(inForce.stages, exchange);
  }

  async function turnAway(unready: string, exchange: Exchange): Promise<void> {
    // A known caller of MCP reads no other refusal than a message.
    await Promise.resolve(exchange)
      .then(inForce.stages.identify)
      .catch(() => {});
    const detail = `${unready}. Send the call again shortly.`;
    refuse(new Problem('draining', { detail, extras: { retry_after: 1 } }), null, exchange.reply);
  }

  // Not an async function, to save memory: thousands of callers may wait for reviewers, and each would keep a frame.
  function serveAt(
    own: string | null,
    response: AgentResponse,
    tunnel: Tunnel | null,
    sharing: Sharing | null,
  ): Promise<void> {
    const reply = new HttpReply(response, urls, own ?? undefined, tunnel);
    if (sharing) reply.shareWith(sharing);
    const system = own === null ? null : (enforcement.systems.get(own) ?? null);
    const exchange: Exchange = {
      request: response.request,
      reply,
      own: system,
      receivedAt: clock(),
      caller: null,
      calls: NONE_YET,
    };
    const ended = () => running.callEnded(exchange);
    running.callBegan(exchange);
    return begin(own, exchange).then(ended, (err: unknown) => {
      log.error({ err }, 'unhandled error while serving a call');
      reply.abort();
      ended();
    });
  }

  function serverFor(
    own: string | null,
    ownEndpoints: (request: IncomingMessage, response: ServerResponse) => void,
  ): Server {
    return createHttpServer(deps.headLimit, {
      calls(response) {
        const { request } = response;
        const sharing = inForce.sharing?.(request, own) ?? null;
        if (sharing?.origin && isPreflight(request)) answerPreflight(response, sharing.origin);
        else if (request.url === '/' && isProbe(request, inForce.own.tokenPlaces.headers))
          answerProbe(response, notReady() === null);
        else void serveAt(own, response, null, sharing);
      },
      own(request, response) {
        const sharing = inForce.sharing?.(request, own) ?? null;
        if (sharing?.origin && isPreflight(request)) {
          answerPreflight(new NodeResponse(response), sharing.origin);
          return;
        }
        if (own) owners.set(request, own);
        if (sharing) sharings.set(request, sharing);
        running.began();
        response.once('close', running.ended);
        ownEndpoints(request, response);
      },
    });
  }

  const owners = new WeakMap<IncomingMessage, string>();
  const sharings = new WeakMap<IncomingMessage, Sharing>();
  let ownEndpoints: (request: IncomingMessage, response: ServerResponse) => void;
  const app = createOwnEndpoints({
    ...deps,
    settings: () => inForce.own,
    suspensions,
    waiters,
    tellings,
    links,
    urls,
    ownerOf: (request) => owners.get(request),
    sharingOf: (request) => sharings.get(request),
    notReady,
    limited,
    wrongTokens,
    createServer: (serve) => serverFor(null, (ownEndpoints = serve)),
  });
  const addressed = deps.systems.flatMap(({ name, address }) =>
    address ? [{ name, address, server: serverFor(name, ownEndpoints) }] : [],
  );

  tunnels = registerTunnel(app, (request, response, tunnel: Tunnel) =>
    serveAt(owners.get(request) ?? null, new NodeResponse(response), tunnel, null),
  );
  for (const { name, server } of addressed) {
    server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      owners.set(request, name);
      app.server.emit('upgrade', request, socket, head);
    });
  }

  return {
    clientLeft: known.left,
    inFlight: () => running.inFlight((call) => inForce.stages.record.place(call).operation),
    policyChanged: enforcement.messages.listsChanged,
    requestCancelled: waiting.cancelled,
    async listen() {
      await Promise.all([store.suspensions.refresh(), inService.start(), app.ready()]);
      usage.start();
      const agents = await openServer(app.server, deps.listen);
      const own = await Promise.all(
        addressed.map(async ({ name, address, server }) => [name, await openServer(server, address)] as const),
      );
      return { agents, systems: new Map(own) };
    },
    configure(settings) {
      enforcement.configure(settings);
      inForce = build(settings);
      cutOff();
      // An agent may have other roles now.
      enforcement.messages.listsChanged();
    },
    async drain(limit) {
      draining = true;
      waiters.drain();
      running.endListening();
      const until = performance.now() + limit;
      const late = new Promise<void>((resolve) => setTimeout(resolve, limit).unref());
      const ended = Promise.race([running.idle(), late]);
      await closeServers([app.server, ...addressed.map(({ server }) => server)], ended);
      await Promise.all([
        outcomes.close(until - performance.now()),
        Promise.race([Promise.all([alerts.settled(), tellings.settled()]), late]),
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

const NONE_YET: Exchange['calls'] = [];

async function turnAwayForGood(reply: ConnectionReply): Promise<void> {
  refuse(new Problem('unknown-system'), null, reply);
}
