import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import type { AgentResponse } from '../../domain/message.ts';
import { LaneConnection, type Owner } from './connection.ts';
import { LONGEST_HEAD } from './plain-head.ts';
import { Turn } from './turn.ts';

/** Milliseconds between two looks at the time limits. */
const LOOK_INTERVAL = 5000;

export type LaneOptions = {
  /** Whether the lane takes requests for this target. */
  readonly takes: (target: string) => boolean;
  readonly serve: (response: AgentResponse) => void;
  /** Most bytes of a head that the server takes. */
  readonly headLimit?: number;
  /** Milliseconds between two looks at the time limits. */
  readonly lookInterval?: number;
};

/**
 * The fast lane of a server of `node:http`: it serves plain requests itself, and hands every connection that sends
 * anything else to that server. See `gateway/wire/README.md`.
 */
export class Lane implements Owner {
  readonly turn = new Turn();
  readonly takes: LaneOptions['takes'];
  readonly serve: LaneOptions['serve'];
  readonly longestHead: number;
  readonly #server: Server;
  readonly #connections = new Set<LaneConnection>();
  readonly #serveNode: (socket: Socket) => void;
  readonly #lookInterval: number;
  now = 0;

  /** Takes the connections of `server`, which must be new. Its time limits are the lane's, too. */
  constructor(server: Server, { takes, serve, headLimit = LONGEST_HEAD, lookInterval = LOOK_INTERVAL }: LaneOptions) {
    this.takes = takes;
    this.serve = serve;
    this.longestHead = Math.min(headLimit, LONGEST_HEAD);
    this.#server = server;
    this.#lookInterval = lookInterval;
    const event = 'setSecureContext' in server ? 'secureConnection' : 'connection';
    const listeners = server.listeners(event);
    if (listeners.length !== 1) throw new Error(`node:http has ${listeners.length} listeners for ${event}`);
    this.#serveNode = listeners[0] as (socket: Socket) => void;
    server.off(event, this.#serveNode);
    server.on(event, (socket: Socket) => this.#connections.add(new LaneConnection(socket, this)));
    server.on('listening', () => {
      const timer = setInterval(() => this.#look(), this.#lookInterval).unref();
      server.once('close', () => clearInterval(timer));
    });
  }

  get keptFor(): number {
    return Math.floor(this.#server.keepAliveTimeout / 1000);
  }

  handOver(connection: LaneConnection, socket: Socket, bytes: Buffer): void {
    this.#connections.delete(connection);
    socket.pause();
    socket.unshift(bytes);
    this.#serveNode.call(this.#server, socket);
    socket.resume();
  }

  unreadable(code: string, socket: Socket): void {
    this.#server.emit('clientError', Object.assign(new Error('the request did not arrive whole'), { code }), socket);
  }

  closed(connection: LaneConnection): void {
    this.#connections.delete(connection);
  }

  closeIdleConnections(): void {
    for (const connection of this.#connections) if (connection.isIdle) connection.close();
  }

  closeAllConnections(): void {
    for (const connection of this.#connections) connection.abort();
  }

  #look(): void {
    this.now += 1;
    const { headersTimeout, requestTimeout, keepAliveTimeout, keepAliveTimeoutBuffer } = this.#server;
    const patience = {
      head: headersTimeout,
      request: requestTimeout,
      keepAlive: keepAliveTimeout + keepAliveTimeoutBuffer,
    };
    // A state began at some time between two looks.
    const age = (since: number) => (this.now - since - 1) * this.#lookInterval;
    for (const connection of this.#connections) connection.look(age, patience);
  }
}
