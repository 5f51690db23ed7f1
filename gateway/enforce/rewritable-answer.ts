import type { AnswerNote, UpstreamSink } from '../domain/upstream-sink.ts';
import { headerValue, withoutHeaders } from '../domain/headers.ts';
import { decodeContent } from './decoded-content.ts';
import { PassingAnswer } from './passing-answer.ts';

/** Is told what was done with an answer. */
export type Noted = { note(code: AnswerNote): void };

/** Changes the headers of an answer, and returns how to change its body; null if the body passes as it is. */
export type RewriteHead<Context> = (
  status: number,
  headers: string[],
  noted: Noted,
  context: Context,
) => BodyRewriter | null;

export type BodyRewriter = {
  /** Largest body that is read, as sent and decoded. */
  readonly limit: number;
  /** The decoded body with its changes; the same buffer without any. */
  rewrite(bytes: Buffer, noted: Noted): Buffer;
  /** Noted if the body is larger, or in a coding that cannot be decoded, and passes as it is. */
  readonly unread?: AnswerNote;
};

/** A head that waits for its body. */
type Gathering = {
  readonly rewriter: BodyRewriter;
  readonly status: number;
  readonly headers: string[];
  readonly body: Buffer[];
  bytes: number;
};

/**
 * Changes an answer on its way. While a body is gathered, the head waits, since the length may change. Every other
 * answer streams.
 */
export class RewritableAnswer<Context> extends PassingAnswer {
  readonly #rewriteHead: RewriteHead<Context>;
  readonly #context: Context;
  #gathering: Gathering | null = null;

  /** @param context handed to `rewriteHead`, so that one function serves all answers: nearly all pass unchanged */
  constructor(next: UpstreamSink, rewriteHead: RewriteHead<Context>, context: Context) {
    super(next);
    this.#rewriteHead = rewriteHead;
    this.#context = context;
  }

  override head(status: number, headers: string[]): void {
    const rewriter = this.#rewriteHead(status, headers, this, this.#context);
    if (rewriter && isGatherable(status, headers, rewriter, this))
      this.#gathering = { rewriter, status, headers, body: [], bytes: 0 };
    else this.next.head(status, headers);
  }

  override data(chunk: Buffer): boolean {
    const gathering = this.#gathering;
    if (!gathering) return this.next.data(chunk);
    gathering.bytes += chunk.length;
    gathering.body.push(chunk);
    const { limit, unread } = gathering.rewriter;
    if (gathering.bytes <= limit) return true;
    if (unread) this.note(unread);
    return this.#release(gathering.status, gathering.headers, gathering.body);
  }

  override end(trailers: string[]): void {
    if (this.#gathering) {
      const { rewriter, status, headers, body } = this.#gathering;
      const changed = rewriteBody(headers, Buffer.concat(body), rewriter, this);
      this.#release(status, changed?.headers ?? headers, changed ? [changed.body] : body);
    }
    this.next.end(trailers);
  }

  /** The end of the answer is missing, so what has come of the body was not rewritten, and is left out. */
  override broken(): void {
    if (this.#gathering) this.#release(this.#gathering.status, this.#gathering.headers, []);
    this.next.broken();
  }

  #release(status: number, headers: string[], body: readonly Buffer[]): boolean {
    this.#gathering = null;
    this.next.head(status, headers);
    let goesOn = true;
    for (const chunk of body) goesOn = this.next.data(chunk);
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
export function rewriteWhole<Context, Answer extends { status: number; headers: readonly string[]; body: Buffer }>(
  answer: Answer,
  rewriteHead: RewriteHead<Context>,
  noted: Noted,
  context: Context,
): Answer {
  const headers = [...answer.headers];
  const length = ['content-length', String(answer.body.length)];
  const rewriter = rewriteHead(answer.status, headers, noted, context);
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
  const kept = withoutHeaders(headers, describesBytes);
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
