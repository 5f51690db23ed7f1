import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Address } from '../config/address.ts';
import type { AgentResponse } from '../domain/message.ts';
import { Lane } from '../wire/lane/lane.ts';
import { NodeResponse } from '../wire/node-message.ts';
import { listenOn } from './listen.ts';
import { KnownResponse, openAnswer } from './open-answers.ts';
import { isDraining } from '../wire/end-after-body.ts';
import { answerUnreadable } from './unreadable.ts';

// To save memory: an `import` reads every export of this module, and so loads Node's fetch.
const http = process.getBuiltinModule('node:http');

/** How long an idle connection stays open. Common load balancers wait 60 s and must close first. Milliseconds. */
const KEEP_ALIVE = 65_000;
/** How long a request may take to arrive whole, in milliseconds. */
const REQUEST_TIMEOUT = 120_000;

/**
 * Workers open the same port (SO_REUSEPORT), and the kernel spreads connections over them. On other platforms
 * `node:cluster` hands connections over. One that is handed to a dying worker there stays open without an answer.
 */
const SHARES_PORTS = process.platform === 'linux';

export type Serving = {
  /** Serves a call. */
  readonly calls: (response: AgentResponse) => void;
  /** Serves a request to the gateway's own endpoints, below `/-/`. */
  readonly own: (request: IncomingMessage, response: ServerResponse) => void;
};

/**
 * An HTTP server for agents, strict about framing. Plain calls take the fast lane.
 * @param headLimit most bytes of a request line and headers
 */
export function createHttpServer(headLimit: number, { calls, own }: Serving): Server {
  const serve = (request: IncomingMessage, response: ServerResponse) => {
    if (isDraining(request.socket)) response.destroy();
    else if (isOwn(request.url ?? '')) own(request, response);
    else calls(new NodeResponse(response));
  };
  const server = new AgentsHttpServer(headLimit, calls);
  server.on('request', serve);
  // With this listener Node does not send 100 Continue itself: a caller without permission need not send the body.
  server.on('checkContinue', serve);
  server.on('clientError', (error, socket) => answerUnreadable(error, socket, headLimit));
  return server;
}

class AgentsHttpServer extends http.Server<typeof IncomingMessage, typeof KnownResponse> {
  readonly #lane: Lane;

  constructor(headLimit: number, calls: Serving['calls']) {
    super({
      maxHeaderSize: headLimit,
      keepAliveTimeout: KEEP_ALIVE,
      requestTimeout: REQUEST_TIMEOUT,
      // Some clients, such as Java's, offer `Upgrade: h2c` on ordinary calls, which stay ordinary calls. So does a
      // handshake pipelined after an unanswered call: two answers cannot share a socket.
      shouldUpgradeCallback: (request) =>
        request.method === 'GET' &&
        request.headers.upgrade?.toLowerCase() === 'websocket' &&
        openAnswer(request.socket) === null,
      ServerResponse: KnownResponse,
    });
    this.#lane = new Lane(this, { headLimit, takes: (target) => !isOwn(target), serve: calls });
  }

  override closeIdleConnections(): void {
    this.#lane.closeIdleConnections();
    super.closeIdleConnections();
  }

  override closeAllConnections(): void {
    this.#lane.closeAllConnections();
    super.closeAllConnections();
  }
}

function isOwn(target: string): boolean {
  return target.startsWith('/-/');
}

/** Opens a server. Resolves with its actual address: port 0 lets the kernel choose. */
export async function openServer(server: Server, address: Address): Promise<Address> {
  await listenOn(server, address, { backlog: 1024, reusePort: SHARES_PORTS });
  const { address: host, port } = server.address() as AddressInfo;
  return { host, port };
}
