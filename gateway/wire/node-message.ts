import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AgentRequest, AgentResponse, BodyReader } from '../domain/message.ts';
import { abortAnswer } from './abort-answer.ts';
import { ONE_WRITE } from './delivery.ts';
import { endAfterBody } from './end-after-body.ts';

/** A request that `node:http` has read. */
export class NodeRequest implements AgentRequest {
  readonly #incoming: IncomingMessage;
  wasRead = false;

  constructor(incoming: IncomingMessage) {
    this.#incoming = incoming;
  }

  get method() {
    return this.#incoming.method;
  }

  get url() {
    return this.#incoming.url;
  }

  get httpVersionMajor() {
    return this.#incoming.httpVersionMajor;
  }

  get httpVersionMinor() {
    return this.#incoming.httpVersionMinor;
  }

  get headers() {
    return this.#incoming.headers;
  }

  get rawHeaders() {
    return this.#incoming.rawHeaders;
  }

  get complete() {
    return this.#incoming.complete;
  }

  get socket() {
    return this.#incoming.socket;
  }

  readBody(reader: BodyReader): void {
    this.wasRead = true;
    const incoming = this.#incoming;
    const settle = () => {
      incoming.off('data', onData);
      incoming.off('end', onEnd);
      incoming.off('close', onClose);
    };
    const onData = (piece: Buffer) => {
      if (reader.piece(piece, false)) return;
      settle();
      incoming.pause();
    };
    const onEnd = () => {
      settle();
      reader.end();
    };
    // An aborted request closes without `end`.
    const onClose = () => {
      settle();
      reader.cut();
    };
    incoming.on('data', onData);
    incoming.on('end', onEnd);
    incoming.on('close', onClose);
  }
}

/** The answer to a request that `node:http` has read. */
export class NodeResponse implements AgentResponse {
  readonly request: NodeRequest;
  readonly #outgoing: ServerResponse;
  #isWritten = false;

  constructor(outgoing: ServerResponse) {
    this.request = new NodeRequest(outgoing.req);
    this.#outgoing = outgoing;
  }

  get begun() {
    return this.#outgoing.headersSent;
  }

  get ended() {
    return this.#outgoing.writableEnded;
  }

  get gone() {
    return this.#outgoing.destroyed && !this.#outgoing.writableFinished;
  }

  onClose(closed: () => void): void {
    this.#outgoing.on('close', closed);
  }

  onDrain(resume: () => void): void {
    this.#outgoing.once('drain', resume);
  }

  sendContinue(): void {
    this.#outgoing.writeContinue();
  }

  begin(status: number, fields: string[], phrase?: string): void {
    if (phrase === undefined) this.#outgoing.writeHead(status, fields);
    else this.#outgoing.writeHead(status, phrase, fields);
  }

  flush(): void {
    this.#outgoing.flushHeaders();
  }

  write(piece: Buffer): boolean {
    this.#isWritten = true;
    return this.#outgoing.write(piece);
  }

  end(piece?: Buffer, trailers?: readonly string[]): void {
    const outgoing = this.#outgoing;
    if (trailers && trailers.length > 0) outgoing.addTrailers(pairs(trailers));
    if (piece === undefined) outgoing.end();
    // A small answer that is whole goes out as one string, which Node joins with the head: one write instead of two.
    else if (!this.#isWritten && piece.length <= ONE_WRITE) outgoing.end(piece.toString('latin1'), 'latin1');
    else outgoing.end(piece);
  }

  endAfterBody(piece?: Buffer): void {
    endAfterBody(this.#outgoing, piece);
  }

  abort(): void {
    abortAnswer(this.#outgoing);
  }
}

function pairs(flat: readonly string[]): [string, string][] {
  return Array.from({ length: flat.length / 2 }, (_, i) => [flat[2 * i]!, flat[2 * i + 1]!]);
}
