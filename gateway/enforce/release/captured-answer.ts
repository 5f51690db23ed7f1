import type { HeldResponse } from '../../domain/hold.ts';
import { headerValue } from '../../domain/headers.ts';
import type { AnswerNote, UpstreamSink } from '../../domain/upstream-sink.ts';

/** The most bytes of an answer that are kept for a caller to fetch later. */
export const KEPT_RESPONSE_LIMIT = 4 * 2 ** 20;

/**
 * Keeps the answer to a released call for the store, and passes it to the attached caller, if any. If the caller
 * leaves, the release continues, so that its outcome is known.
 *
 * The end of the answer waits for `passOn`, once the outcome is recorded. A caller that has its whole answer may repeat
 * the call at another process, which must not find it unfinished.
 */
export class CapturedAnswer implements UpstreamSink {
  readonly #attached: UpstreamSink | null;
  readonly #chunks: Buffer[] = [];
  #status = 0;
  #headers: string[] = [];
  #bytes = 0;
  #gone = false;
  /** Recorded with the outcome, since the caller may have left. */
  readonly notes: AnswerNote[] = [];
  /** Bytes of the whole answer; negative when the upstream gave no length. */
  #length = -1;
  #kept: (() => void)[] = [];

  constructor(attached: UpstreamSink | null) {
    this.#attached = attached;
    attached?.onGone(() => {
      this.#gone = true;
      this.#resume();
    });
  }

  #resume: () => void = () => {};

  /** Whether a caller takes the answer. */
  get isTaken(): boolean {
    return this.#attached !== null && !this.#gone;
  }

  get response(): HeldResponse {
    const kept = Math.min(this.#bytes, KEPT_RESPONSE_LIMIT);
    return {
      status: this.#status,
      headers: this.#headers,
      body: Buffer.concat(this.#chunks).subarray(0, kept),
      // The messages in a tunnel after a 101 are not an answer that could be stored.
      complete: this.#bytes === kept && this.#status !== 101,
    };
  }

  note(code: AnswerNote): void {
    this.notes.push(code);
  }

  head(status: number, headers: string[]): void {
    this.#status = status;
    this.#headers = [...headers];
    this.#length = Number(headerValue(headers, 'content-length') ?? -1);
    // Such an answer ends with its head (RFC 9112 section 6.3).
    if (status === 204 || status === 304) this.#keep((attached) => attached.head(status, headers));
    else if (!this.#gone) this.#attached?.head(status, headers);
  }

  data(chunk: Buffer): boolean {
    if (this.#bytes < KEPT_RESPONSE_LIMIT) this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    if (this.#bytes === this.#length) {
      this.#keep((attached) => attached.data(chunk));
      return true;
    }
    return this.#gone || (this.#attached?.data(chunk) ?? true);
  }

  end(trailers: string[]): void {
    this.#keep((attached) => attached.end(trailers));
  }

  broken(): void {
    this.#kept = [];
    if (!this.#gone) this.#attached?.broken();
  }

  /** The caller gets the rest of the answer. */
  passOn(): void {
    for (const pass of this.#kept) pass();
    this.#kept = [];
  }

  #keep(pass: (attached: UpstreamSink) => void): void {
    const attached = this.#attached;
    if (attached) this.#kept.push(() => !this.#gone && pass(attached));
  }

  onDrain(resume: () => void): void {
    this.#resume = resume;
    this.#attached?.onDrain(resume);
  }

  onGone(): void {}
}
