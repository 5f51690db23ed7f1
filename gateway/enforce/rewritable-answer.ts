import type { AnswerNote, UpstreamSink } from '../domain/upstream-sink.ts';
import { headerValue } from '../domain/headers.ts';
import { decodeContent } from './decoded-content.ts';

/** Changes an answer on its way. It may change the headers that it is given. */
export type Rewriter = {
  /** Returns the most bytes of the body, as sent and decoded, that `body` is to see; 0 if it need not see it. */
  head(status: number, headers: string[]): number;
  /** The decoded body with its changes; the same buffer without any. */
  body(bytes: Buffer): Buffer;
  /** The body is too large, or in a coding that cannot be decoded. It passes as it is. */
  unreadable(): void;
};

/**
 * Passes an answer on through a rewriter. While the body is gathered, the head waits, since the length may change. All
 * other answers stream.
 */
export class RewritableAnswer implements UpstreamSink {
  readonly #next: UpstreamSink;
  readonly #rewriter: Rewriter;
  #status = 0;
  #headers: string[] = [];
  /** Bytes that may still be gathered; negative while the answer streams. */
  #room = -1;
  #gathered: Buffer[] = [];

  constructor(next: UpstreamSink, rewriter: Rewriter) {
    this.#next = next;
    this.#rewriter = rewriter;
  }

  head(status: number, headers: string[]): void {
    const limit = this.#rewriter.head(status, headers);
    if (limit > 0 && hasBody(status)) {
      if (Number(headerValue(headers, 'content-length') ?? 0) <= limit) {
        this.#status = status;
        this.#headers = headers;
        this.#room = limit;
        return;
      }
      this.#rewriter.unreadable();
    }
    this.#next.head(status, headers);
  }

  data(chunk: Buffer): boolean {
    if (this.#room < 0) return this.#next.data(chunk);
    this.#room -= chunk.length;
    this.#gathered.push(chunk);
    if (this.#room >= 0) return true;
    this.#rewriter.unreadable();
    return this.#release();
  }

  end(trailers: string[]): void {
    if (this.#room >= 0) {
      const limit = this.#room + this.#gathered.reduce((sum, { length }) => sum + length, 0);
      const body = Buffer.concat(this.#gathered);
      const changed = rewriteBody(this.#headers, body, limit, this.#rewriter);
      if (changed) {
        this.#headers = changed.headers;
        this.#gathered = [changed.body];
      }
      this.#release();
    }
    this.#next.end(trailers);
  }

  /** The end of the answer is missing, so what has come of the body is worth nothing, and it was not searched. */
  broken(): void {
    this.#gathered = [];
    if (this.#room >= 0) this.#release();
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

  #release(): boolean {
    this.#room = -1;
    this.#next.head(this.#status, this.#headers);
    let goesOn = true;
    for (const chunk of this.#gathered) goesOn = this.#next.data(chunk);
    this.#gathered = [];
    return goesOn;
  }
}

/**
 * A whole body through a rewriter, and the headers that fit it. Null if nothing changed: then the bytes stay as sent,
 * compressed or not.
 */
export function rewriteBody(
  headers: readonly string[],
  body: Buffer,
  limit: number,
  rewriter: Rewriter,
): { readonly headers: string[]; readonly body: Buffer } | null {
  if (body.length === 0) return null;
  const decoded = decodeContent(body, headerValue(headers, 'content-encoding'), limit);
  if (!decoded) {
    rewriter.unreadable();
    return null;
  }
  const changed = rewriter.body(decoded);
  if (changed === decoded) return null;
  const kept = headers.filter((_, i) => !describesBytes(headers[i - (i % 2)]!.toLowerCase()));
  if (headerValue(headers, 'content-length') !== null) kept.push('content-length', String(changed.length));
  return { headers: kept, body: changed };
}

/** Whether a header tells of the bytes as the system sent them: length, coding and digests. */
function describesBytes(name: string): boolean {
  return DESCRIBES_BYTES.has(name) || name.startsWith('x-amz-checksum-');
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

function hasBody(status: number): boolean {
  return status !== 204 && status !== 206 && status !== 304;
}
