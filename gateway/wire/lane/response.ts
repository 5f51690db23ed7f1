import type { AgentResponse } from '../../domain/message.ts';
import { ONE_WRITE } from '../delivery.ts';
import { answerHead, assertSendable } from './answer-head.ts';
import type { LaneRequest } from './request.ts';
import type { Writer } from './writer.ts';

/** The connection of an answer, as far as an answer knows it. */
export type Carrier = {
  /** Seconds for which an idle connection is kept. */
  readonly keptFor: number;
  readonly writer: Pick<Writer, 'text' | 'bytes' | 'isBehind'>;
  /** The answer is written. */
  answered(closes: boolean, reads: boolean): void;
  abort(): void;
};

/** An answer that the lane writes. It does nothing once the caller has left. */
export class LaneResponse implements AgentResponse {
  readonly request: LaneRequest;
  readonly #carrier: Carrier;
  begun = false;
  ended = false;
  gone = false;
  /** The head, while it waits for the first piece. */
  #head = '';
  #hasBody = false;
  #isChunked = false;
  #closes = false;
  /** Bytes of the body still to be written; counts below zero if the head does not say. */
  #left = 0;
  #closed: (() => void)[] | null = null;
  #resume: (() => void) | null = null;

  constructor(request: LaneRequest, carrier: Carrier) {
    this.request = request;
    this.#carrier = carrier;
  }

  onClose(closed: () => void): void {
    (this.#closed ??= []).push(closed);
  }

  onDrain(resume: () => void): void {
    this.#resume = resume;
  }

  sendContinue(): void {
    if (!this.gone) this.#carrier.writer.text('HTTP/1.1 100 Continue\r\n\r\n');
  }

  begin(status: number, fields: readonly string[], phrase?: string): void {
    if (this.begun) throw new Error('the answer has begun already');
    const { method, keepAlive, complete } = this.request;
    const hasBody = method !== 'HEAD' && status !== 204 && status !== 304;
    // Request smuggling: the rest of an unread body must not become the next request.
    const keptFor = keepAlive && complete ? this.#carrier.keptFor : null;
    const head = answerHead(status, phrase, fields, hasBody, keptFor);
    this.begun = true;
    this.#hasBody = hasBody;
    this.#head = head.text;
    this.#isChunked = head.isChunked;
    this.#closes = head.closes;
    this.#left = head.length;
  }

  flush(): void {
    if (!this.gone && this.#head !== '') this.#carrier.writer.text(this.#takeHead());
  }

  write(piece: Buffer): boolean {
    if (this.gone || !this.#hasBody || piece.length === 0) return true;
    const { writer } = this.#carrier;
    this.#left -= piece.length;
    const before = this.#isChunked ? `${this.#takeHead()}${piece.length.toString(16)}\r\n` : this.#takeHead();
    const after = this.#isChunked ? '\r\n' : '';
    if (piece.length <= ONE_WRITE) {
      writer.text(before + piece.toString('latin1') + after);
    } else {
      if (before !== '') writer.text(before);
      writer.bytes(piece);
      if (after !== '') writer.text(after);
    }
    return !writer.isBehind;
  }

  end(piece?: Buffer, trailers?: readonly string[]): void {
    this.#end(piece, trailers, false);
  }

  endAfterBody(piece?: Buffer): void {
    this.#end(piece, undefined, true);
  }

  abort(): void {
    if (this.ended || this.gone) return;
    this.gone = true;
    this.#carrier.abort();
  }

  /** The caller reads again. */
  drained(): void {
    const resume = this.#resume;
    this.#resume = null;
    resume?.();
  }

  /** The caller left, or the answer was aborted. */
  leave(): void {
    if (this.ended) return;
    this.gone = true;
    this.#close();
  }

  #end(piece: Buffer | undefined, trailers: readonly string[] | undefined, reads: boolean): void {
    if (this.ended || this.gone) return;
    if (piece !== undefined) this.write(piece);
    const rest = this.#takeHead() + (this.#isChunked ? `0\r\n${linesOf(trailers)}\r\n` : '');
    if (rest !== '') this.#carrier.writer.text(rest);
    // Response splitting: the next answer would be read as the rest of this one, or the reverse.
    if (this.#hasBody && !this.#isChunked && this.#left !== 0) {
      this.abort();
      return;
    }
    this.ended = true;
    this.#carrier.answered(this.#closes, reads);
    this.#close();
  }

  #takeHead(): string {
    const head = this.#head;
    this.#head = '';
    return head;
  }

  #close(): void {
    const closed = this.#closed;
    this.#closed = null;
    if (closed) for (const each of closed) each();
  }
}

function linesOf(trailers: readonly string[] = []): string {
  let text = '';
  for (let i = 0; i < trailers.length; i += 2) {
    assertSendable(trailers[i]!, trailers[i + 1]!);
    text += `${trailers[i]}: ${trailers[i + 1]}\r\n`;
  }
  return text;
}
