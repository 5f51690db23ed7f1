import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type TlsOptions } from 'node:tls';
import type { System } from '../../gateway/domain/system.ts';
import type { UpstreamSink } from '../../gateway/domain/upstream-sink.ts';
import type { Delivery, Outgoing } from '../../gateway/wire/delivery.ts';
import type { Upstream } from '../../gateway/wire/upstream.ts';

/** Handles the bytes of one connection. `arrived` has all of them so far, one character per byte. */
export type Take = (socket: Socket, arrived: string, number: number) => void;

/** A system on a bare socket, for answers that no HTTP server would give. */
export type BareSystem = {
  readonly port: number;
  readonly sockets: Socket[];
  /** The bytes that arrived on each connection so far. */
  readonly arrived: string[];
  take: Take;
  /** Takes no further connections. */
  stop(stopped: () => void): void;
  close(): Promise<void>;
};

export async function startBareSystem(take: Take, tls?: TlsOptions): Promise<BareSystem> {
  const sockets: Socket[] = [];
  const arrived: string[] = [];
  const accept = (socket: Socket) => {
    const number = sockets.push(socket) - 1;
    arrived.push('');
    socket.setNoDelay(true);
    socket.on('error', () => {});
    socket.on('data', (chunk: Buffer) => {
      arrived[number] += chunk.toString('latin1');
      system.take(socket, arrived[number]!, number);
    });
  };
  const server: Server = tls ? createTlsServer(tls, accept) : createServer(accept);
  await once(server.listen(0), 'listening');
  const system: BareSystem = {
    port: (server.address() as AddressInfo).port,
    sockets,
    arrived,
    take,
    stop(stopped) {
      server.close();
      setImmediate(stopped);
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((closed) => server.close(closed));
    },
  };
  return system;
}

/** A system, as the configuration would define it. */
export function systemAt(upstream: string, options: Partial<System> = {}): System {
  return {
    name: 'bare',
    upstream: new URL(upstream),
    hosts: [],
    agentCredential: { header: 'x-api-key' },
    wait: 0,
    bodyLimit: 2 ** 30,
    timeout: 60_000,
    formFields: 1000,
    connections: 1,
    idempotent: false,
    ...options,
  };
}

/** One call with its answer, piece by piece. */
export type Sent = {
  /** The events of the answer, in order: the head, each piece of the body, `end` or `broken`. */
  readonly told: unknown[];
  readonly delivery: Promise<Delivery>;
  /** The body so far. */
  body(): string;
  leave(): void;
  /** From now on every piece asks for a pause. */
  pause(): void;
  resume(): void;
};

/** Sends a call as the gateway does, and records its answer. */
export function send(upstream: Upstream, request: Partial<Outgoing> = {}, notes: string[] = []): Sent {
  const told: unknown[] = [];
  const pieces: Buffer[] = [];
  let leave = () => {};
  let isPaused = false;
  let resume: (() => void) | null = null;
  const sink: UpstreamSink = {
    head: (status, headers) => void told.push([status, ...headers]),
    data(chunk) {
      pieces.push(chunk);
      told.push(chunk.toString('latin1'));
      return !isPaused;
    },
    end: (trailers) => void told.push(['end', ...trailers]),
    broken: () => void told.push('broken'),
    onDrain: (callback) => (resume = callback),
    onGone: (abort) => (leave = abort),
    note: (code) => void notes.push(code),
  };
  const delivery = upstream.send({ method: 'GET', target: '/', headers: [], body: Buffer.alloc(0), ...request }, sink);
  return {
    told,
    delivery,
    body: () => Buffer.concat(pieces).toString('latin1'),
    leave: () => leave(),
    pause: () => void (isPaused = true),
    resume() {
      isPaused = false;
      resume?.();
    },
  };
}
