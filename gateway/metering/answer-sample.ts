import type { AnswerSample } from '../domain/metering.ts';
import { isJsonType } from '../json/json-type.ts';

/** Most bytes of a JSON answer that are read, both as sent and decompressed. */
export const ANSWER_LIMIT = 256 * 1024;

/** Of an event stream, only the end is kept: one of the last events has the usage. */
const STREAM_END = 64 * 1024;

/** How the body of an answer can be read. */
type AnswerKind = 'json' | 'events' | 'other';

/**
 * Keeps the head of an answer and, if it can be read, its body: all of JSON up to `ANSWER_LIMIT`, or the end of a
 * `text/event-stream`. Chunks are kept as they come, so that sampling costs nothing while the answer streams.
 */
export class KeptSample implements AnswerSample {
  readonly #chunks: Buffer[] = [];
  #bytes = 0;
  #kind: AnswerKind = 'other';
  #status = 0;
  #headers: readonly string[] = [];

  head(status: number, headers: readonly string[]): void {
    this.#status = status;
    // A copy: the next sink may add to the list.
    this.#headers = [...headers];
    this.#kind = kindOf(this.header('content-type'));
  }

  data(chunk: Buffer): void {
    if (this.#kind === 'other') return;
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    if (this.#kind === 'events') {
      for (let first = this.#chunks[0]!; this.#bytes - first.length >= STREAM_END; first = this.#chunks[0]!) {
        this.#bytes -= first.length;
        this.#chunks.shift();
      }
    } else if (this.#bytes > ANSWER_LIMIT) {
      this.#kind = 'other';
      this.#chunks.length = 0;
    }
  }

  get kind(): AnswerKind {
    return this.#kind;
  }

  get status(): number {
    return this.#status;
  }

  get headers(): readonly string[] {
    return this.#headers;
  }

  get body(): Buffer {
    return Buffer.concat(this.#chunks);
  }

  /** The value of the first header with this lowercase name. */
  header(name: string): string | null {
    const at = this.#headers.findIndex((each, index) => index % 2 === 0 && each.toLowerCase() === name);
    return at < 0 ? null : this.#headers[at + 1]!;
  }
}

function kindOf(contentType: string | null): AnswerKind {
  const type = (contentType ?? '').split(';', 1)[0]!.trim().toLowerCase();
  if (isJsonType(type)) return 'json';
  return type === 'text/event-stream' ? 'events' : 'other';
}
