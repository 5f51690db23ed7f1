import type { Server } from 'node:http';
import type { Socket } from 'node:net';

/** The connections of a server that answer no query now. */
export type IdleConnections = {
  /** Keeps a connection open until its answer has ended. Call the result then. */
  busy(socket: Socket): () => void;
};

/**
 * Limits the connections of a server. A new one beyond `most` takes the place of the one that has been idle longest, among
 * those of the address that has the most idle ones: idle connections, which need no credential, cannot close the server
 * for others. Where all are busy, the new one is closed.
 */
export function limitConnections(server: Server, most: number): IdleConnections {
  /** In the order in which they became idle. */
  const idle = new Set<Socket>();
  let open = 0;

  function longestIdle(): Socket | undefined {
    const counts = new Map<string, number>();
    for (const { remoteAddress = '' } of idle) counts.set(remoteAddress, (counts.get(remoteAddress) ?? 0) + 1);
    const largest = Math.max(...counts.values());
    return idle.values().find(({ remoteAddress = '' }) => counts.get(remoteAddress) === largest);
  }

  server.on('connection', (socket: Socket) => {
    open++;
    idle.add(socket);
    socket.once('close', () => {
      open--;
      idle.delete(socket);
    });
    if (open <= most) return;
    idle.delete(socket);
    const oldest = longestIdle() ?? socket;
    if (oldest !== socket) idle.add(socket);
    idle.delete(oldest);
    oldest.destroy();
  });

  return {
    busy(socket) {
      idle.delete(socket);
      return () => {
        if (!socket.destroyed) idle.add(socket);
      };
    },
  };
}
