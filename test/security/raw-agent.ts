import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** One answer as it was on the wire. */
export type RawAnswer = {
  readonly status: number;
  /** The head as text, without the status line; names in lower case. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
};

/** An agent that sends any bytes and reads answers strictly by RFC 9112. */
export type RawAgent = {
  readonly socket: Socket;
  /** One byte for each character. */
  send(bytes: string): void;
  /** The next answer, interim ones included; null when the connection has closed and there is no more. */
  answer(options?: { readonly head?: boolean }): Promise<RawAnswer | null>;
  /** Every answer until the gateway closes the connection. */
  rest(): Promise<RawAnswer[]>;
  close(): void;
};

export async function connectRaw(address: string): Promise<RawAgent> {
  const { hostname, port } = new URL(`http://${address}`);
  const socket = connect(Number(port), hostname);
  let bytes = Buffer.alloc(0);
  let closed = false;
  let wake = () => {};
  socket.on('data', (chunk: Buffer) => {
    bytes = Buffer.concat([bytes, chunk]);
    wake();
  });
  socket.on('error', () => {});
  socket.on('close', () => {
    closed = true;
    wake();
  });
  await once(socket, 'connect');

  async function until<T>(look: () => T | null): Promise<T | null> {
    for (;;) {
      const found = look();
      if (found !== null || closed) return found;
      await new Promise<void>((resolve) => (wake = resolve));
    }
  }

  const agent: RawAgent = {
    socket,
    send: (raw) => void socket.write(raw, 'latin1'),
    answer: ({ head = false } = {}) =>
      until(() => {
        const parsed = parseAnswer(bytes, head);
        if (!parsed) return null;
        bytes = bytes.subarray(parsed.length);
        return parsed.answer;
      }),
    async rest() {
      const answers: RawAnswer[] = [];
      for (let next = await agent.answer(); next; next = await agent.answer()) answers.push(next);
      return answers;
    },
    close: () => void socket.destroy(),
  };
  return agent;
}

function parseAnswer(bytes: Buffer, head: boolean): { answer: RawAnswer; length: number } | null {
  const end = bytes.indexOf('\r\n\r\n');
  if (end === -1) return null;
  const [statusLine = '', ...lines] = bytes.toString('latin1', 0, end).split('\r\n');
  const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(statusLine)?.[1]);
  if (!status) throw new Error(`no answer, but ${JSON.stringify(bytes.toString('latin1', 0, 200))}`);
  const headers = new Map(
    lines.map((line): [string, string] => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
    }),
  );
  const start = end + 4;
  if (head || status < 200 || status === 204 || status === 304) {
    return { answer: { status, headers, body: '' }, length: start };
  }
  if (headers.get('transfer-encoding') === 'chunked') {
    let body = '';
    for (let at = start; ;) {
      const lineEnd = bytes.indexOf('\r\n', at);
      if (lineEnd === -1) return null;
      const size = Number.parseInt(bytes.toString('latin1', at, lineEnd), 16);
      if (bytes.length < lineEnd + 4 + size) return null;
      body += bytes.toString('latin1', lineEnd + 2, lineEnd + 2 + size);
      at = lineEnd + 4 + size;
      if (size === 0) return { answer: { status, headers, body }, length: at };
    }
  }
  const length = Number(headers.get('content-length') ?? 0);
  if (bytes.length < start + length) return null;
  const body = bytes.toString('latin1', start, start + length);
  return { answer: { status, headers, body }, length: start + length };
}
