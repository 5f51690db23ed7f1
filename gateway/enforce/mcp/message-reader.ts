import { headerValue } from '../../domain/headers.ts';
import type { AnswerNote, UpstreamSink } from '../../domain/upstream-sink.ts';
import { sniffKind } from '../../mcp/envelope.ts';
import { dataOf, EventSplitter, withData } from '../../mcp/event-splitter.ts';
import { readServerMessage } from '../../mcp/response.ts';
import { decodeContent } from '../decoded-content.ts';

/** The largest message that is read, in bytes. One that must be read and is larger ends its answer. */
const LARGEST = 32 * 2 ** 20;
/** Bytes after which it is tried to tell what a message is. */
const SNIFFED = 16 * 1024;

/** What becomes of the messages of a system. */
export type MessageRules = {
  /** Whether responses are changed. Others pass as they come. */
  readonly changesResponses: boolean;
  /** A response as it goes to the client; the same text if nothing changes. */
  response(json: string): string;
  /** Whether what the server asks of the client reaches it. */
  permits(request: string): boolean;
};

const EVENTS = /^text\/event-stream\s*(?:;|$)/i;
const JSON_TYPE = /^application\/json\s*(?:;|$)/i;

/**
 * Reads the messages in a system's answer, as far as they have to be read, and passes them on byte for byte. Of a stream,
 * each event goes on at once.
 */
export class MessageReader implements UpstreamSink {
  readonly #next: UpstreamSink;
  readonly #rules: MessageRules;
  #events: EventSplitter | null = null;
  /** The rest of the event that comes passes as it is. */
  #passing = false;
  /** Whether it was tried to tell what the message that comes is. */
  #sniffed = false;
  #gathering: { readonly status: number; readonly headers: string[]; readonly body: Buffer[]; bytes: number } | null =
    null;
  #ended = false;
  #abort: () => void = () => {};

  constructor(next: UpstreamSink, rules: MessageRules) {
    this.#next = next;
    this.#rules = rules;
  }

  head(status: number, headers: string[]): void {
    const type = headerValue(headers, 'content-type') ?? '';
    const coding = headerValue(headers, 'content-encoding');
    if (EVENTS.test(type)) {
      this.#events = new EventSplitter();
      // What the server asks could not be read.
      if (coding !== null && coding !== 'identity') this.#cut();
    } else if (this.#rules.changesResponses && status === 200 && JSON_TYPE.test(type)) {
      this.#gathering = { status, headers, body: [], bytes: 0 };
      return;
    }
    if (!this.#ended) this.#next.head(status, headers);
  }

  data(chunk: Buffer): boolean {
    if (this.#ended) return true;
    if (this.#gathering) {
      this.#gathering.body.push(chunk);
      this.#gathering.bytes += chunk.length;
      if (this.#gathering.bytes > LARGEST) this.#cut();
      return true;
    }
    return this.#events ? this.#stream(this.#events, chunk) : this.#next.data(chunk);
  }

  end(trailers: string[]): void {
    if (this.#ended) return;
    if (this.#gathering) {
      const { status, headers, body } = this.#gathering;
      const changed = this.#whole(headers, Buffer.concat(body));
      if (changed === null) {
        this.#cut();
        return;
      }
      this.#next.head(status, changed.headers);
      if (changed.body.length > 0) this.#next.data(changed.body);
    }
    // Of an event that was cut off, nothing reaches the client, whose parser would drop it too.
    if (this.#passing && this.#events) this.#next.data(this.#events.flush());
    this.#next.end(trailers);
  }

  broken(): void {
    if (this.#ended) return;
    if (this.#gathering) this.#next.head(this.#gathering.status, this.#gathering.headers);
    this.#next.broken();
  }

  onDrain(resume: () => void): void {
    this.#next.onDrain(resume);
  }

  onGone(abort: () => void): void {
    this.#abort = abort;
    this.#next.onGone(abort);
  }

  note(code: AnswerNote): void {
    this.#next.note?.(code);
  }

  #stream(events: EventSplitter, chunk: Buffer): boolean {
    let goesOn = true;
    for (const event of events.push(chunk)) {
      const sent = this.#passing ? event : this.#read(event);
      this.#passing = false;
      if (sent) goesOn = this.#next.data(sent);
    }
    if (events.pending <= SNIFFED) this.#sniffed = false;
    else if (!this.#sniffed) {
      this.#sniffed = true;
      this.#passing ||= this.#mayPass(events);
    }
    if (this.#passing && events.pending > 0) goesOn = this.#next.data(events.flush());
    else if (events.pending > LARGEST) this.#cut();
    return goesOn;
  }

  /** Whether an event that is still coming is a response that nothing changes. */
  #mayPass(events: EventSplitter): boolean {
    if (this.#rules.changesResponses) return false;
    const beginning = events.peek(SNIFFED).toString('latin1');
    const data = /(?:^|[\r\n])data: ?/.exec(beginning);
    if (!data || data.index + data[0].length >= beginning.length) return false;
    return sniffKind(Buffer.from(beginning.slice(data.index + data[0].length), 'latin1')) === 'response';
  }

  /** An event as it goes to the client; null if it does not. */
  #read(event: Buffer): Buffer | null {
    const data = dataOf(event);
    if (data === null || data === '') return event;
    const message = readServerMessage(data);
    if (message?.kind === 'notification') return event;
    if (message?.kind === 'response') {
      if (!this.#rules.changesResponses) return event;
      const changed = this.#rules.response(data);
      return changed === data ? event : withData(event, changed);
    }
    // A batch, or no message at all, could be read as a request.
    return this.#rules.permits(data) ? event : null;
  }

  /** A whole JSON answer as it goes to the client; null if it cannot be read. */
  #whole(headers: string[], body: Buffer): { readonly headers: string[]; readonly body: Buffer } | null {
    const decoded = decodeContent(body, headerValue(headers, 'content-encoding'), LARGEST);
    if (!decoded) return null;
    const json = decoded.toString('utf8');
    const changed = this.#rules.response(json);
    if (changed === json) return { headers, body };
    const bytes = Buffer.from(changed);
    const kept = headers.filter((_, i) => !/^content-(?:length|encoding)$/i.test(headers[i - (i % 2)]!));
    return { headers: [...kept, 'content-length', String(bytes.length)], body: bytes };
  }

  /** Fails closed: the client gets no more, and the system is told. */
  #cut(): void {
    this.#ended = true;
    this.#next.broken();
    this.#abort();
  }
}
