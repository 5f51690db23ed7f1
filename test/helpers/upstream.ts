import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** One request as it arrived at the system, byte for byte. */
export type Received = {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly rawHeaders: readonly string[];
  readonly body: Buffer;
};

export type Upstream = {
  readonly url: string;
  readonly port: number;
  readonly server: Server;
  /** Every request that reached it, in order. */
  readonly received: Received[];
  close(): Promise<void>;
};

type Respond = (received: Received, response: ServerResponse, request: IncomingMessage) => void;

/** A business system on a real socket that remembers its requests. */
export async function startUpstream(respond: Respond = answerOk, onPort = 0): Promise<Upstream> {
  const received: Received[] = [];
  // As systems that take long tokens.
  const server = createServer({ maxHeaderSize: 2 ** 20 }, (request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { method = '', url = '', headers, rawHeaders } = request;
      const one = { method, url, headers, rawHeaders, body: Buffer.concat(chunks) };
      received.push(one);
      respond(one, response, request);
    });
  });
  await new Promise<void>((resolve) => server.listen(onPort, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    server,
    received,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function answerOk(_received: Received, response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'application/json' }).end('{"ok":true}');
}
