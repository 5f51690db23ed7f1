import type { AnswerNote, UpstreamSink } from '../domain/upstream-sink.ts';
import { headerValue } from '../domain/headers.ts';
import { decodeContent } from './decoded-content.ts';

/** Is told what was done with an answer. */
export type Noted = { note(code: AnswerNote): void };

/** Changes the headers of an answer, and returns how to change its body; null if the body passes as it is. */
export type RewriteHead = (status: number, headers: string[], noted: Noted) => BodyRewriter | null;

export type BodyRewriter = {
  /** Largest body that is read, as sent and decoded. */
  readonly limit: number;
  /** The decoded body with its changes; the same buffer without any. */
  rewrite(bytes: Buffer, noted: Noted): Buffer;
  /** Noted if the body is larger, or in a coding that cannot be decoded, and passes as it is. */
  readonly unread?: AnswerNote;
};

const NONE: string[] = [];

/**
 * Changes an answer on its way. While a body is gathered, the head waits, since the length may change. Every other
 * answer streams.
 */
export class RewritableAnswer implements UpstreamSink {
  readonly #next: UpstreamSink;
  readonly #rewriteHead: RewriteHead;
  /** Set while the body is gathered. */
  #rewriter: BodyRewriter | null = null;
  #gathered: Buffer[] | null = null;
  #bytes = 0;
  #status = 0;
  #headers = NONE;

  constructor(next: UpstreamSink, rewriteHead: RewriteHead) {
    this.#next = next;
    this.#rewriteHead = rewriteHead;
  }

  head(status: number, headers: string[]): void {
    const rewriter = this.#rewriteHead(status, headers, this);
    if (!rewriter || !isGatherable(status, headers, rewriter, this)) {
      this.#next.head(status, headers);
      return;
    }
    this.#rewriter = rewriter;
    this.#gathered = [];
    this.#status = status;
    this.#headers = headers;
  }

  data(chunk: Buffer): boolean {
    if (!this.#rewriter || !this.#gathered) return this.#next.data(chunk);
    this.#bytes += chunk.length;
    this.#gathered.push(chunk);
    if (this.#bytes <= this.#rewriter.limit) return true;
    if (this.#rewriter.unread) this.note(this.#rewriter.unread);
    return this.#release(this.#gathered);
  }

  end(trailers: string[]): void {
    if (this.#rewriter && this.#gathered) {
      const changed = rewriteBody(this.#headers, Buffer.concat(this.#gathered), this.#rewriter, this);
      if (changed) this.#headers = changed.headers;
      this.#release(changed ? [changed.body] : this.#gathered);
    }
    this.#next.end(trailers);
  }

  /** The end of the answer is missing, so what has come of the body was not rewritten, and is left out. */
  broken(): void {
    if (this.#rewriter) this.#release([]);
    this.#next.broken();
  }

  onDrain(resume: () => void): void {
    this.#next.onDrain(resume);
  }

  onGone(abort: () => void): void {
    this.#next.onGone(abort);
  }

  note(code: AnswerNote): void {
    this.#next.note?.(code);
  }

  #release(body: readonly Buffer[]): boolean {
    this.#rewriter = null;
    this.#gathered = null;
    this.#next.head(this.#status, this.#headers);
    let goesOn = true;
    for (const chunk of body) goesOn = this.#next.data(chunk);
    return goesOn;
  }
}

/** Whether a body may be read whole. A part of one (206) has bytes of the whole before and after it. */
function isGatherable(status: number, headers: readonly string[], { limit, unread }: BodyRewriter, noted: Noted) {
  if (status < 200 || status === 204 || status === 206 || status === 304) return false;
  if (Number(headerValue(headers, 'content-length') ?? 0) <= limit) return true;
  if (unread) noted.note(unread);
  return false;
}

/** A whole answer, such as a stored one, rewritten. */
export function rewriteWhole<Answer extends { status: number; headers: readonly string[]; body: Buffer }>(
  answer: Answer,
  rewriteHead: RewriteHead,
  noted: Noted,
): Answer {
  const headers = [...answer.headers];
  const length = ['content-length', String(answer.body.length)];
  const rewriter = rewriteHead(answer.status, headers, noted);
  if (!rewriter || !isGatherable(answer.status, length, rewriter, noted)) return { ...answer, headers };
  return { ...answer, headers, ...rewriteBody(headers, answer.body, rewriter, noted) };
}

/** The body rewritten, with headers that fit it. Null if nothing changed: then the bytes stay as sent. */
function rewriteBody(
  headers: readonly string[],
  body: Buffer,
  { limit, rewrite, unread }: BodyRewriter,
  noted: Noted,
): { readonly headers: string[]; readonly body: Buffer } | null {
  if (body.length === 0) return null;
  const decoded = decodeContent(body, headerValue(headers, 'content-encoding'), limit);
  if (!decoded) {
    if (unread) noted.note(unread);
    return null;
  }
  const changed = rewrite(decoded, noted);
  if (changed === decoded) return null;
  const kept = headers.filter((_, i) => !describesBytes(headers[i - (i % 2)]!.toLowerCase()));
  if (headerValue(headers, 'content-length') !== null) kept.push('content-length', String(changed.length));
  return { headers: kept, body: changed };
}

const DESCRIBES_BYTES = new Set([
  'content-length',
  'content-encoding',
  'content-md5',
  'digest',
  'content-digest',
  'repr-digest',
  'x-goog-hash',
]);

/** Whether a header tells of the bytes as the system sent them: length, coding and digests. */
function describesBytes(name: string): boolean {
  return DESCRIBES_BYTES.has(name) || name.startsWith('x-amz-checksum-');
}
