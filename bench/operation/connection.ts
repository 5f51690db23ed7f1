import { connect } from 'node:net';

export type Outgoing = {
  readonly method: string;
  readonly path: string;
  /** JSON; null: none. */
  readonly body: string | null;
};

export type Answer = { readonly status: number; readonly text: string };

/** A keep-alive connection for one call at a time, as simple as possible, so that the load takes little CPU. */
export type Connection = {
  /** Of this end, which names the connection to the system. */
  readonly port: number;
  /** @throws Error when the connection breaks; it is not used again then */
  call(outgoing: Outgoing): Promise<Answer>;
  close(): void;
};

export async function openConnection(base: string, token: string): Promise<Connection> {
  const { hostname, port, host, pathname } = new URL(base);
  const socket = connect({ host: hostname, port: Number(port), noDelay: true });
  const opened = Promise.withResolvers<void>();
  let waiting: { resolve: (answer: Answer) => void; reject: (error: Error) => void } | null = null;
  let received: Buffer = Buffer.alloc(0);
  socket.once('connect', opened.resolve);
  socket.on('error', () => socket.destroy());
  socket.on('close', () => {
    const error = new Error('the connection broke');
    opened.reject(error);
    waiting?.reject(error);
    waiting = null;
  });
  socket.on('data', (chunk: Buffer) => {
    received = received.length === 0 ? chunk : Buffer.concat([received, chunk]);
    const answer = answerIn(received);
    if (answer === null) return;
    received = Buffer.alloc(0);
    const { resolve } = waiting!;
    waiting = null;
    resolve(answer);
  });
  await opened.promise;
  return {
    port: socket.localPort!,
    call({ method, path, body }) {
      const lines = [`${method} ${pathname}${path} HTTP/1.1`, `host: ${host}`, `authorization: Bearer ${token}`];
      if (body !== null) lines.push('content-type: application/json', `content-length: ${Buffer.byteLength(body)}`);
      return new Promise((resolve, reject) => {
        if (socket.destroyed) reject(new Error('the connection is closed'));
        else {
          waiting = { resolve, reject };
          socket.write(`${lines.join('\r\n')}\r\n\r\n${body ?? ''}`);
        }
      });
    },
    close: () => socket.destroy(),
  };
}

/** The answer once it is complete: a length, or chunks. */
function answerIn(bytes: Buffer): Answer | null {
  const end = bytes.indexOf('\r\n\r\n');
  if (end < 0) return null;
  const head = bytes.toString('latin1', 0, end);
  const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
  const isWhole =
    length === undefined
      ? bytes.subarray(-5).toString('latin1') === '0\r\n\r\n'
      : bytes.length >= end + 4 + Number(length);
  return isWhole ? { status: Number(head.slice(9, 12)), text: bytes.toString('utf8', end + 4) } : null;
}
