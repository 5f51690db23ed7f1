import type { HeldResponse } from '../../domain/hold.ts';
import type { UpstreamSink } from '../../domain/upstream-sink.ts';

/** The most bytes of an answer that are kept for a caller to fetch later. */
const KEPT_RESPONSE_LIMIT = 4 * 2 ** 20;

/**
 * Keeps the answer to a released call for the store, and passes it to the attached caller, if any. If the caller
 * leaves, the release continues, so that its outcome is known.
 */
export class CapturedAnswer implements UpstreamSink {
  readonly #attached: UpstreamSink | null;
  readonly #chunks: Buffer[] = [];
  #status = 0;
  #headers: string[] = [];
  #bytes = 0;
  #gone = false;

  constructor(attached: UpstreamSink | null) {
    this.#attached = attached;
    attached?.onGone(() => {
      this.#gone = true;
      this.#resume();
    });
  }

  #resume: () => void = () => {};

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

  head(status: number, headers: string[]): void {
    this.#status = status;
    this.#headers = [...headers];
    if (!this.#gone) this.#attached?.head(status, headers);
  }

  data(chunk: Buffer): boolean {
    if (this.#bytes < KEPT_RESPONSE_LIMIT) this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    return this.#gone || (this.#attached?.data(chunk) ?? true);
  }

  end(trailers: string[]): void {
    if (!this.#gone) this.#attached?.end(trailers);
  }

  broken(): void {
    if (!this.#gone) this.#attached?.broken();
  }

  onDrain(resume: () => void): void {
    this.#resume = resume;
    this.#attached?.onDrain(resume);
  }

  onGone(): void {}
}
