import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';

// To save memory: an `import` reads every export of this module, and so loads Node's fetch.
const http = process.getBuiltinModule('node:http');

const ANSWERS = Symbol('unfinished answers');

/** On the socket itself, because every call passes here: weak maps cost the garbage collector more than all else here. */
type Connection = Duplex & { [ANSWERS]?: ServerResponse[] };

/** A response that is known to its connection until it is finished. A client may pipeline requests. */
export class KnownResponse extends http.ServerResponse<IncomingMessage> {
  constructor(...args: ConstructorParameters<typeof ServerResponse<IncomingMessage>>) {
    super(...args);
    const connection: Connection = this.req.socket;
    (connection[ANSWERS] ??= []).push(this);
  }

  // Node's server calls this when an answer is finished. Answers finish in the order of their requests.
  override detachSocket(socket: Socket): void {
    (socket as Connection)[ANSWERS]?.shift();
    super.detachSocket(socket);
  }
}

/** The connection's first unfinished answer; null if there is none. No other byte may be written before it. */
export function openAnswer(connection: Connection): ServerResponse | null {
  return connection[ANSWERS]?.find((response) => !response.destroyed) ?? null;
}
