import { headerValue, isEventStream } from '../../../domain/headers.ts';
import type { StreamedAnswer } from '../../../domain/reply.ts';
import type { AnswerNote } from '../../../domain/upstream-sink.ts';
import { dataOf, EventSplitter, withData } from '../../../mcp/event-splitter.ts';
import { readServerMessage } from '../../../mcp/response.ts';

/** The largest event of a held call that is read, to give the response the id of the caller that waits. */
const LARGEST_EVENT = 32 * 2 ** 20;

/** The largest response that every client reads from a stream: one of them ends its session at 1 MiB. */
export const LARGEST_IN_STREAM = 2 ** 20 - 64;

/** Where the messages of a held call go: an event stream, or one response. */
export type MessageSink = {
  /**
   * The final response, as JSON text. Ends the stream, if one is open.
   * @param bytes of the system's answer so far
   */
  respond(json: string, bytes: number): void;
  /** An event of the system's stream, byte for byte. False asks for a pause. */
  event(bytes: Buffer): boolean;
  end(): void;
  onDrain(resume: () => void): void;
  onClose(closed: () => void): void;
  readonly gone: boolean;
  /** The response for a status other than 200, or a body that is no message. */
  foreign(status: number, body: string): string;
};

/**
 * The answer to a released call, on its way to a caller that has waited. The system answers the request that was stored,
 * which may have been sent by an earlier caller: the response gets the id of the one that waits.
 */
export class HeldAnswer implements StreamedAnswer {
  readonly #id: string;
  readonly #to: MessageSink;
  readonly #notes: AnswerNote[] = [];
  #status = 0;
  #events: EventSplitter | null = null;
  #body: Buffer[] = [];
  #bytes = 0;
  #gone = false;
  #answered = false;

  constructor(id: string, to: MessageSink) {
    this.#id = id;
    this.#to = to;
  }

  get gone(): boolean {
    return this.#gone;
  }

  get notes(): readonly AnswerNote[] {
    return this.#notes;
  }

  note(code: AnswerNote): void {
    this.#notes.push(code);
  }

  head(status: number, headers: string[]): void {
    this.#status = status;
    if (status === 200 && isEventStream(headerValue(headers, 'content-type'))) this.#events = new EventSplitter();
  }

  data(chunk: Buffer): boolean {
    const events = this.#events;
    this.#bytes += chunk.length;
    if (!events) {
      this.#body.push(chunk);
      return true;
    }
    let goesOn = true;
    for (const event of events.push(chunk)) goesOn = this.#pass(event);
    if (events.pending > LARGEST_EVENT && !this.#answered) goesOn = this.#to.event(events.flush());
    return goesOn;
  }

  end(): void {
    if (this.#answered) return;
    if (this.#events) {
      const rest = this.#events.flush();
      if (rest.length > 0) this.#to.event(rest);
      this.#to.end();
      return;
    }
    const json = Buffer.concat(this.#body).toString('utf8');
    const message = this.#status === 200 ? readServerMessage(json) : null;
    const final = message?.kind === 'response' ? message.withId(this.#id) : this.#to.foreign(this.#status, json);
    this.#to.respond(final, this.#bytes);
  }

  /** The caller is told by the problem that follows. */
  broken(): void {}

  onDrain(resume: () => void): void {
    this.#to.onDrain(resume);
  }

  onGone(abort: () => void): void {
    const leave = () => {
      this.#gone = true;
      abort();
    };
    if (this.#to.gone) leave();
    else this.#to.onClose(() => this.#to.gone && leave());
  }

  #pass(event: Buffer): boolean {
    if (this.#answered) return true;
    const data = dataOf(event);
    const message = data === null ? null : readServerMessage(data);
    if (message?.kind !== 'response') return this.#to.event(event);
    const json = message.withId(this.#id);
    if (event.length <= LARGEST_IN_STREAM) return this.#to.event(withData(event, json));
    this.#answered = true;
    this.#to.respond(json, this.#bytes);
    return true;
  }
}
