import type { ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';

/** The unfinished answers of each connection. A client may pipeline requests. */
export type OpenAnswers = {
  /** A request has arrived, and this response will answer it. */
  add(response: ServerResponse): void;
  /** The connection's first unfinished answer; null if there is none. No other byte may be written before it. */
  on(socket: Duplex): ServerResponse | null;
};

export function createOpenAnswers(): OpenAnswers {
  const bySocket = new WeakMap<Duplex, ServerResponse[]>();
  return {
    add(response) {
      const { socket } = response.req;
      const open = bySocket.get(socket);
      if (open === undefined) bySocket.set(socket, [response]);
      else if (open.length === 1 && !isOpen(open[0]!)) open[0] = response;
      else bySocket.set(socket, [...open.filter(isOpen), response]);
    },
    on: (socket) => bySocket.get(socket)?.find(isOpen) ?? null,
  };
}

function isOpen(response: ServerResponse): boolean {
  return !response.writableFinished && !response.destroyed;
}
