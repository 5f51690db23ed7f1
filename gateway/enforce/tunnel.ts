import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import httpProxy from '@fastify/http-proxy';
import type { FastifyInstance } from 'fastify';
import type { Completion, Handshake } from '../domain/exchange.ts';
import { Problem } from '../domain/problem.ts';
import type { System } from '../domain/system.ts';
import { complete } from './completion.ts';

/** Headers that belong to the agent's own handshake; the tunnel makes its own towards the system. */
const HANDSHAKE_HEADERS = /^(sec-websocket-(key|version|extensions|accept|protocol)|origin)$/;

/** Puts one WebSocket handshake through the path of a call. */
export type ServeHandshake = (
  request: IncomingMessage,
  response: ServerResponse,
  tunnel: (handshake: Handshake) => Promise<Completion>,
) => Promise<void>;

/**
 * WebSocket upgrades (RFC 6455), judged as one call by `serve`, then carried by @fastify/http-proxy. Plain calls go to
 * the pipeline directly and never through here: the plugin would forward them with the agent's own headers.
 */
export function registerTunnel(app: FastifyInstance, systems: readonly System[], serve: ServeHandshake): void {
  const upstreams = new Map(systems.map((system) => [system.name, system.upstream]));
  const handshakes = new WeakMap<IncomingMessage, Handshake>();
  const upgrades = new WeakSet<IncomingMessage>();

  app.server.on('upgrade', (request: IncomingMessage, socket: Duplex) => {
    upgrades.add(request);
    // Node lets go of the socket here, and until the tunnel takes it a reset would be an error that nobody handles.
    socket.on('error', () => socket.destroy());
  });

  // The plugin documents this option; its types leave it out.
  const wsClientOptions: object = {
    rewriteRequestHeaders: (_headers: unknown, request: { raw: IncomingMessage }) =>
      forHandshake(handshakes.get(request.raw)?.headers ?? []),
  };

  app.register(httpProxy, {
    upstream: '',
    websocket: true,
    proxyPayloads: false,
    httpMethods: ['GET'],
    replyOptions: {
      getUpstream: ({ raw }) => upstreams.get(handshakes.get(raw as IncomingMessage)?.system ?? '')?.origin ?? '',
    },
    wsServerOptions: { maxPayload: 16 * 2 ** 20 },
    wsClientOptions,
    preHandler: async (request, reply) => {
      const { raw } = request;
      if (!upgrades.has(raw)) throw new Problem('not-found');
      const allowed = await new Promise<Handshake | null>((go, fail) => {
        const tunnel = (handshake: Handshake) => {
          go(handshake);
          return new Promise<Completion>((ended) => {
            const end = () => ended(complete(101, { upstreamMs: 0 }));
            if (raw.socket.destroyed) end();
            else raw.socket.once('close', end);
          });
        };
        serve(raw, reply.raw, tunnel).then(() => go(null), fail);
      });
      if (!allowed) {
        reply.hijack();
        return;
      }
      handshakes.set(raw, allowed);
      raw.url = (upstreams.get(allowed.system)?.pathname.replace(/\/$/, '') ?? '') + allowed.target;
    },
  });
}

function forHandshake(headers: readonly string[]): Record<string, string> {
  const result: Record<string, string> = {};
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i]!;
    if (!HANDSHAKE_HEADERS.test(name)) result[name] = headers[i + 1]!;
  }
  return result;
}
