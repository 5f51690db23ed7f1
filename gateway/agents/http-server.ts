import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Address } from '../config/address.ts';
import { listenOn } from './listen.ts';
import { AgentResponse, openAnswer } from './open-answers.ts';
import { answerUnreadable } from './unreadable.ts';

// To save memory: an `import` reads every export of this module, and so loads Node's fetch.
const { createServer } = process.getBuiltinModule('node:http');

/** How long an idle connection stays open. Common load balancers wait 60 s and must close first. Milliseconds. */
const KEEP_ALIVE = 65_000;
/** How long a request may take to arrive whole, in milliseconds. */
const REQUEST_TIMEOUT = 120_000;

/**
 * Workers open the same port (SO_REUSEPORT), and the kernel spreads connections over them. On other platforms
 * `node:cluster` hands connections over. One that is handed to a dying worker there stays open without an answer.
 */
const SHARES_PORTS = process.platform === 'linux';

/** An HTTP server for agents, strict about framing. @param headLimit most bytes of a request line and headers */
export function createHttpServer(
  headLimit: number,
  serve: (request: IncomingMessage, response: ServerResponse) => void,
): Server {
  const server = createServer({
    maxHeaderSize: headLimit,
    keepAliveTimeout: KEEP_ALIVE,
    requestTimeout: REQUEST_TIMEOUT,
    // Some clients, such as Java's, offer `Upgrade: h2c` on ordinary calls, which stay ordinary calls. So does a
    // handshake pipelined after an unanswered call: two answers cannot share a socket.
    shouldUpgradeCallback: (request) =>
      request.method === 'GET' &&
      request.headers.upgrade?.toLowerCase() === 'websocket' &&
      openAnswer(request.socket) === null,
    ServerResponse: AgentResponse,
  });
  server.on('request', serve);
  // With this listener Node does not send 100 Continue itself: a caller without permission need not send the body.
  server.on('checkContinue', serve);
  server.on('clientError', (error, socket) => answerUnreadable(error, socket, headLimit));
  return server;
}

/** Opens a server. Resolves with its actual address: port 0 lets the kernel choose. */
export async function openServer(server: Server, address: Address): Promise<Address> {
  await listenOn(server, address, { backlog: 1024, reusePort: SHARES_PORTS });
  const { address: host, port } = server.address() as AddressInfo;
  return { host, port };
}
