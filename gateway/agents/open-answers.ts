import type { ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';

/** The answers that connections still owe. A client may send the next request before it has the answer to the last. */
export type OpenAnswers = {
  /** A request has come in, and will be answered by this response. */
  add(response: ServerResponse): void;
  /** The first answer that a connection owes: no other byte may be written before it. Null when it owes none. */
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
