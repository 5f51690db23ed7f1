import { asEvent } from '../../../mcp/event-splitter.ts';

/** Milliseconds between two signs of life: middle boxes close silent streams, and clients count progress. */
const BEAT = 15_000;

/** Writes to the stream; false asks for a pause. */
type Write = (piece: Buffer) => boolean;

/** A stream of server-sent events (WHATWG HTML, section 9.2) on which a caller waits. */
export class WaitingStream {
  readonly write: Write;
  readonly #progressToken: string | undefined;
  #timer: NodeJS.Timeout | undefined;
  #beats = 0;

  /** @param progressToken as JSON text, where the caller wants to know of progress */
  constructor(write: Write, progressToken: string | undefined) {
    this.write = write;
    this.#progressToken = progressToken;
    this.#timer = setInterval(() => this.#beat(), BEAT).unref();
    this.#beat();
  }

  /** One message, as JSON text. */
  message(json: string): void {
    this.write(asEvent(json));
  }

  /** From now on, the stream carries the answer. */
  settle(): void {
    clearInterval(this.#timer);
  }

  #beat(): void {
    this.#beats += 1;
    if (this.#progressToken === undefined) {
      this.write(Buffer.from(': waiting for approval\n\n'));
      return;
    }
    const params = `{"progressToken":${this.#progressToken},"progress":${this.#beats},"message":"Waiting for approval"}`;
    this.message(`{"jsonrpc":"2.0","method":"notifications/progress","params":${params}}`);
  }
}
