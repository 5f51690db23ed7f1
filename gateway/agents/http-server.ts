import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Address } from '../config/address.ts';
import { listenOn } from './listen.ts';
import { createOpenAnswers } from './open-answers.ts';
import { answerUnreadable } from './unreadable.ts';

// An `import` would look at everything that this module offers, and so load Node's own fetch with it: 16 MB.
const { createServer } = process.getBuiltinModule('node:http');

/** How long a kept-alive connection may stay silent; longer than the 60 s of common load balancers, so that they close first. */
const KEEP_ALIVE = 65_000;
/** How long a request may take to come in whole, in milliseconds. */
const REQUEST_TIMEOUT = 120_000;

/**
 * Workers open the same port, and the system spreads connections over them. Where it cannot, `node:cluster` hands them
 * over; then a connection that was on its way to a worker that dies is left open, and is never answered.
 */
const SHARES_PORTS = process.platform === 'linux';

/** An HTTP server for agents, strict about framing. */
export function createHttpServer(serve: (request: IncomingMessage, response: ServerResponse) => void): Server {
  const answers = createOpenAnswers();
  const server = createServer({
    keepAliveTimeout: KEEP_ALIVE,
    requestTimeout: REQUEST_TIMEOUT,
    // Java's and other clients offer `Upgrade: h2c` on ordinary calls; those stay ordinary calls. So does a handshake
    // pipelined after a call that is not answered yet: two answers cannot share a socket.
    shouldUpgradeCallback: (request) =>
      request.method === 'GET' &&
      request.headers.upgrade?.toLowerCase() === 'websocket' &&
      answers.on(request.socket) === null,
  });
  const onRequest = (request: IncomingMessage, response: ServerResponse) => {
    answers.add(response);
    serve(request, response);
  };
  server.on('request', onRequest);
  // With this listener the interim 100 is not sent by itself: who may not call need not send the body.
  server.on('checkContinue', onRequest);
  server.on('clientError', (error, socket) => answerUnreadable(error, socket, answers));
  return server;
}

/** Opens a server, and says where it really is: port 0 lets the system choose. */
export async function openServer(server: Server, address: Address): Promise<Address> {
  await listenOn(server, address, { backlog: 1024, reusePort: SHARES_PORTS });
  const { address: host, port } = server.address() as AddressInfo;
  return { host, port };
}
