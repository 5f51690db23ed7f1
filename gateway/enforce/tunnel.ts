import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import fastify, { type FastifyInstance } from 'fastify';
import { complete, type Completion } from '../domain/completion.ts';
import type { Problem } from '../domain/problem.ts';
import type { Handshake, Tunnel } from '../domain/reply.ts';

/** Headers of the agent's own handshake. The tunnel sets its own towards the system. */
const HANDSHAKE_HEADERS = /^(sec-websocket-(key|version|extensions|accept|protocol)|origin)$/;

/** Serves one WebSocket handshake as a call. */
type ServeHandshake = (request: IncomingMessage, response: ServerResponse, tunnel: Tunnel) => Promise<void>;

export type Tunnels = {
  /** Closes tunnels whose agent may not call their system any more: messages after the handshake are not judged. */
  cut(whyNot: (agent: string, system: string) => Problem | null): void;
};

/**
 * WebSocket upgrades (RFC 6455): `serve` judges the handshake as one call, then @fastify/http-proxy carries the tunnel.
 * Plain calls must not reach the plugin, which would forward them with the agent's own headers. The first handshake
 * loads the plugin, to save memory in workers that never see one.
 */
export function registerTunnel(app: FastifyInstance, serve: ServeHandshake): Tunnels {
  const handshakes = new WeakMap<IncomingMessage, Handshake>();
  const open = new Map<Duplex, Handshake>();
  const cutOff = new WeakMap<Duplex, Problem>();

  /** A server that never listens. The plugin takes every handshake of its server, so it gets a server of its own. */
  let carrier: Promise<FastifyInstance> | null = null;

  app.server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    // Node stops handling the socket here. Until the tunnel takes it, a reset would be an unhandled error.
    socket.on('error', () => socket.destroy());
    carrier ??= load();
    carrier.then(
      ({ server }) => server.emit('upgrade', request, socket, head),
      () => {
        carrier = null;
        socket.destroy();
      },
    );
  });
  app.addHook('onClose', async () => (await carrier)?.close());

  /** How to reach the system of the handshake that the plugin is about to send. */
  let connect: Handshake['connect'] | undefined;

  // The plugin documents these options, but its types omit them. It connects in the turn in which it asks for headers.
  const wsClientOptions: object = {
    rewriteRequestHeaders: (_headers: unknown, { raw }: { raw: IncomingMessage }) => {
      const handshake = handshakes.get(raw);
      connect = handshake?.connect;
      return forHandshake(handshake?.headers ?? []);
    },
    createConnection: (_options: unknown, done: (error: Error | null, socket?: Duplex) => void) => {
      if (!connect) throw new Error('no system was chosen for the handshake');
      connect((opened) => done(null, opened)).on('error', done);
    },
  };

  async function load(): Promise<FastifyInstance> {
    const { default: httpProxy } = await import('@fastify/http-proxy');
    const own = fastify();
    own.setErrorHandler(app.errorHandler);
    own.register(httpProxy, {
      upstream: '',
      websocket: true,
      proxyPayloads: false,
      httpMethods: ['GET'],
      replyOptions: {
        getUpstream: ({ raw }) => handshakes.get(raw as IncomingMessage)?.upstream.origin ?? '',
      },
      wsServerOptions: { maxPayload: 16 * 2 ** 20 },
      wsClientOptions,
      wsHooks: {
        // If the agent closes first, the plugin would leave the connection to the system open for ever.
        onConnect: (_context, source, target) => {
          if (source.readyState !== source.OPEN) target.terminate();
        },
      },
      preHandler: async (request, reply) => {
        const { raw } = request;
        // Only a socket that is being read reports that the agent left. No data is lost: the agent may not send any
        // yet.
        const leave = () => raw.socket.destroy();
        raw.socket.once('end', leave).resume();
        const allowed = await new Promise<Handshake | null>((go, fail) => {
          const tunnel = (handshake: Handshake) => {
            go(handshake);
            return new Promise<Completion>((ended) => {
              open.set(raw.socket, handshake);
              const end = () => {
                open.delete(raw.socket);
                ended(complete(101, { upstreamMs: 0, code: cutOff.get(raw.socket)?.code ?? null }));
              };
              if (raw.socket.destroyed) end();
              else raw.socket.once('close', end);
            });
          };
          serve(raw, reply.raw, tunnel).then(() => go(null), fail);
        });
        raw.socket.off('end', leave);
        if (!allowed) {
          reply.hijack();
          return;
        }
        handshakes.set(raw, allowed);
        const own = allowed.upstream.pathname;
        raw.url = (allowed.target.startsWith('/') ? own.replace(/\/$/, '') : own) + allowed.target;
      },
    });
    await own.ready();
    return own;
  }

  return {
    cut(whyNot) {
      for (const [socket, { agent, system }] of open) {
        const why = whyNot(agent, system);
        if (!why) continue;
        cutOff.set(socket, why);
        socket.destroy();
      }
    },
  };
}

function forHandshake(headers: readonly string[]): Record<string, string> {
  const result: Record<string, string> = {};
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i]!;
    const value = headers[i + 1]!;
    // Repeated lines equal one line joined by commas (RFC 9110 section 5.3), and policy judged the joined line.
    if (!HANDSHAKE_HEADERS.test(name)) result[name] = name in result ? `${result[name]}, ${value}` : value;
  }
  return result;
}
