import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import fastify, { type FastifyInstance } from 'fastify';
import { complete, type Completion } from '../domain/completion.ts';
import type { Handshake, Tunnel } from '../domain/reply.ts';
import type { System } from '../domain/system.ts';

/** Headers that belong to the agent's own handshake; the tunnel makes its own towards the system. */
const HANDSHAKE_HEADERS = /^(sec-websocket-(key|version|extensions|accept|protocol)|origin)$/;

/** Puts one WebSocket handshake through the path of a call. */
type ServeHandshake = (request: IncomingMessage, response: ServerResponse, tunnel: Tunnel) => Promise<void>;

export type Tunnels = {
  /** Breaks off those whose agent or system may not be used any more: a handshake was judged, what flows after it is not. */
  cut(isBarred: (agent: string, system: string) => boolean): void;
};

/**
 * WebSocket upgrades (RFC 6455), judged as one call by `serve`, then carried by @fastify/http-proxy. Plain calls go to
 * the pipeline directly and never through here: the plugin would forward them with the agent's own headers. It is loaded
 * with the first handshake: a worker that never sees one is smaller by 7 MB.
 */
export function registerTunnel(app: FastifyInstance, systems: readonly System[], serve: ServeHandshake): Tunnels {
  const upstreams = new Map(systems.map((system) => [system.name, system.upstream]));
  const handshakes = new WeakMap<IncomingMessage, Handshake>();
  const open = new Map<Duplex, Handshake>();

  /** A server of its own that never listens: the plugin takes whatever handshake its server has. */
  let carrier: Promise<FastifyInstance> | null = null;

  app.server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    // Node lets go of the socket here, and until the tunnel takes it a reset would be an error that nobody handles.
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

  // The plugin documents this option; its types leave it out.
  const wsClientOptions: object = {
    rewriteRequestHeaders: (_headers: unknown, request: { raw: IncomingMessage }) =>
      forHandshake(handshakes.get(request.raw)?.headers ?? []),
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
        getUpstream: ({ raw }) => upstreams.get(handshakes.get(raw as IncomingMessage)?.system ?? '')?.origin ?? '',
      },
      wsServerOptions: { maxPayload: 16 * 2 ** 20 },
      wsClientOptions,
      wsHooks: {
        // The plugin forgets a system's end that opens after the agent's has closed, and would leave it open for good.
        onConnect: (_context, source, target) => {
          if (source.readyState !== source.OPEN) target.terminate();
        },
      },
      preHandler: async (request, reply) => {
        const { raw } = request;
        // Only a socket that is read tells that its agent has left. Nothing is lost by it: an agent may not speak yet.
        const leave = () => raw.socket.destroy();
        raw.socket.once('end', leave).resume();
        const allowed = await new Promise<Handshake | null>((go, fail) => {
          const tunnel = (handshake: Handshake) => {
            go(handshake);
            return new Promise<Completion>((ended) => {
              open.set(raw.socket, handshake);
              const end = () => {
                open.delete(raw.socket);
                ended(complete(101, { upstreamMs: 0 }));
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
        raw.url = (upstreams.get(allowed.system)?.pathname.replace(/\/$/, '') ?? '') + allowed.target;
      },
    });
    await own.ready();
    return own;
  }

  return {
    cut(isBarred) {
      for (const [socket, { agent, system }] of open) if (isBarred(agent, system)) socket.destroy();
    },
  };
}

function forHandshake(headers: readonly string[]): Record<string, string> {
  const result: Record<string, string> = {};
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i]!;
    const value = headers[i + 1]!;
    // Several lines mean the same as one joined by commas (RFC 9110 section 5.3), which is how policy saw them.
    if (!HANDSHAKE_HEADERS.test(name)) result[name] = name in result ? `${result[name]}, ${value}` : value;
  }
  return result;
}
