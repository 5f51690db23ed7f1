import { createServer, type Server } from 'node:http';
import { Duplex } from 'node:stream';
import type { Socket } from 'node:net';
import { KnownResponse } from '../../../../gateway/agents/open-answers.ts';
import { answerUnreadable } from '../../../../gateway/agents/unreadable.ts';
import type { AgentResponse } from '../../../../gateway/domain/message.ts';
import { Lane } from '../../../../gateway/wire/lane/lane.ts';
import { NodeResponse } from '../../../../gateway/wire/node-message.ts';

/** What a server made of the bytes of one connection. */
export type Reading = {
  /** The requests as they were served, each as JSON. */
  readonly requests: string[];
  /** The answers, without what differs from one to the next. */
  answers: string;
  /** The lengths of the bodies of the requests that the lane served, which are the first. */
  readonly byLane: number[];
};

/** A connection in memory, with what the servers use of a socket. */
class MemorySocket extends Duplex {
  written = '';

  constructor() {
    super({ allowHalfOpen: true });
  }

  override _read(): void {}

  override _write(chunk: Buffer | string, _encoding: BufferEncoding, done: () => void): void {
    this.written += chunk.toString('latin1');
    done();
  }

  destroySoon(): void {
    if (this.writableFinished) this.destroy();
    else this.end(() => this.destroy());
  }
}

/** Two servers that serve alike, one with the lane. */
export function createTwoServers() {
  let current: Reading = { requests: [], answers: '', byLane: [] };
  const withLane = createServer({ ServerResponse: KnownResponse });
  const lane = new Lane(withLane, {
    takes: (target) => !target.startsWith('/-/'),
    serve(response) {
      current.byLane.push(Number(response.request.headers['content-length'] ?? 0));
      serve(response, current);
    },
  });
  const without = createServer({ ServerResponse: KnownResponse });
  for (const server of [withLane, without]) {
    server.on('request', (_request, response) => serve(new NodeResponse(response), current));
    server.on('clientError', answerUnreadable);
  }

  async function read(server: Server, pieces: readonly Buffer[]): Promise<Reading> {
    current = { requests: [], answers: '', byLane: [] };
    const reading = current;
    const socket = new MemorySocket();
    server.emit('connection', socket as unknown as Socket);
    for (const piece of pieces) {
      if (!socket.readableEnded) socket.push(piece);
      await turns(2);
    }
    await turns(2);
    if (!socket.destroyed) socket.push(null);
    await turns(3);
    socket.destroy();
    reading.answers = socket.written
      .replaceAll(/dec_\w+/g, 'dec_')
      .replaceAll(/Date: [^\r]*/g, 'Date:')
      .replaceAll(/"decision_id":"[^"]*"/g, '');
    return reading;
  }

  return {
    lane,
    /**
     * What each makes of the same bytes, which arrive in these pieces. The lane reads the next request only after the
     * answer, so without the lane they come as from a client that waits for it.
     */
    async read(pieces: readonly Buffer[]): Promise<{ withLane: Reading; without: Reading }> {
      const found = await read(withLane, pieces);
      return { withLane: found, without: await read(without, cutBetween(pieces, found.byLane)) };
    },
  };
}

/** Cuts the pieces after each of the first requests, which have bodies of these lengths. */
function cutBetween(pieces: readonly Buffer[], bodies: readonly number[]): Buffer[] {
  const all = Buffer.concat(pieces);
  const cuts = new Set<number>();
  let at = 0;
  for (const piece of pieces) cuts.add((at += piece.length));
  at = 0;
  for (const length of bodies) cuts.add((at = all.indexOf('\r\n\r\n', at) + 4 + length));
  const ends = [...cuts].filter((cut) => cut <= all.length).toSorted((a, b) => a - b);
  return ends.map((end, i) => all.subarray(ends[i - 1] ?? 0, end)).filter(({ length }) => length > 0);
}

/** Serves a request as the path of a call does: the body first, then the answer. */
function serve(response: AgentResponse, reading: Reading): void {
  const { request } = response;
  const { method, url, httpVersionMajor, httpVersionMinor, headers, rawHeaders } = request;
  const pieces: Buffer[] = [];
  const told = (body: string) =>
    reading.requests.push(JSON.stringify([method, url, httpVersionMajor, httpVersionMinor, rawHeaders, headers, body]));
  request.readBody({
    piece(bytes) {
      pieces.push(bytes);
      return true;
    },
    end() {
      const body = Buffer.concat(pieces);
      told(body.toString('latin1'));
      answer(response, body);
    },
    cut: () => told('cut'),
  });
}

function answer(response: AgentResponse, body: Buffer): void {
  switch (body.length % 4) {
    case 0:
      response.begin(200, ['content-length', String(body.length), 'X-Of', 'test']);
      response.end(body);
      break;
    case 1:
      response.begin(201, ['x-of', 'test'], 'Made up');
      response.flush();
      response.write(body);
      response.end(undefined, ['x-trailer', 'test']);
      break;
    case 2:
      response.begin(204, []);
      response.end();
      break;
    default:
      response.begin(400, ['content-length', '2', 'connection', 'close', 'date', 'never']);
      response.end(Buffer.from('no'));
  }
}

async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i += 1) await new Promise(setImmediate);
}
