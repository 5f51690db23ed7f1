import { createServer, type IncomingMessage } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { once } from 'node:events';
import { Problem } from '../../../../gateway/domain/problem.ts';

/** The fate of raw bytes sent to a real server: refused by node's parser, refused by ours, or accepted. */
export type Outcome =
  | { readonly by: 'node'; readonly status: number }
  | { readonly by: 'holdpoint'; readonly problem: Problem }
  | { readonly by: 'nobody'; readonly value: unknown };

/** A real HTTP server that calls `handle` for each request, and a bare socket to send bytes. */
export async function createWire(handle: (request: IncomingMessage) => unknown) {
  let current = Promise.withResolvers<Outcome>();
  const server = createServer(async (request, response) => {
    const settled = current;
    try {
      settled.resolve({ by: 'nobody', value: await handle(request) });
    } catch (problem) {
      if (problem instanceof Problem) settled.resolve({ by: 'holdpoint', problem });
      else settled.reject(problem);
    }
    response.setHeader('connection', 'close').end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;

  return {
    /** Sends raw bytes; `then` may send more on the socket. */
    async send(raw: string | Buffer, then?: (socket: ReturnType<typeof connect>) => void): Promise<Outcome> {
      const settled = Promise.withResolvers<Outcome>();
      current = settled;
      const socket = connect(port, '127.0.0.1');
      let answer = '';
      socket.on('data', (chunk) => {
        answer += chunk;
        const status = /^HTTP\/1\.1 4(\d\d)/.exec(answer);
        if (status) settled.resolve({ by: 'node', status: 400 + Number(status[1]) });
      });
      socket.on('error', () => undefined);
      socket.on('close', () => settled.resolve({ by: 'node', status: 0 }));
      await once(socket, 'connect');
      socket.write(typeof raw === 'string' ? Buffer.from(raw, 'latin1') : raw);
      then?.(socket);
      const outcome = await settled.promise;
      socket.destroy();
      return outcome;
    },
    async close(): Promise<void> {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
