import type { Server } from 'node:net';
import { formatAddress, type Address } from '../config/address.ts';

/** Opens a server. @throws Error that names the address, with a message for the operator */
export async function listenOn(server: Server, { host, port }: Address, options: object = {}): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const failed = (error: NodeJS.ErrnoException) => {
      const taken = error.code === 'EADDRINUSE';
      const reason = taken ? 'the port is in use; set another in the configuration' : error.message;
      reject(new Error(`cannot listen on ${formatAddress({ host, port })}: ${reason}`));
    };
    server.once('error', failed);
    server.listen({ host, port, ...options }, () => {
      server.off('error', failed);
      resolve();
    });
  });
}
