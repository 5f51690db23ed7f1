import { headerValue, withoutHeaders } from '../../domain/headers.ts';
import type { UpstreamSink } from '../../domain/upstream-sink.ts';
import { sniffKind } from '../../mcp/envelope.ts';
import { asEvent, dataOf, EventSplitter, withData } from '../../mcp/event-splitter.ts';
import { mayAsk, readServerMessage } from '../../mcp/response.ts';
import { SESSION_HEADER } from '../../mcp/session.ts';
import { decodeContent } from '../decoded-content.ts';
import { PassingAnswer } from '../passing-answer.ts';

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
  /** The id of the server's session, as the client gets it; null if it gets none. */
  session(id: string): string | null;
  /** Called when an event stream opens on which the gateway may say something itself; returns what ends that. */
  readonly opened: ((announce: (json: string) => void) => () => void) | null;
  /** Whether what the server asks of the client reaches it. */
  permits(request: string): boolean;
};

/** A JSON answer as far as it has come. `mayPass`: it goes on as soon as it is known to be a response. */
type Gathering = {
  readonly status: number;
  readonly headers: string[];
  readonly body: Buffer[];
  bytes: number;
  mayPass: boolean;
};

/** Clients look for these words anywhere in a type, so no other type may carry messages past the rules. */
const JSON_TYPE = /application\/json/i;
const EVENTS_TYPE = /text\/event-stream/i;

/**
 * Reads the messages in a system's answer, as far as they have to be read, and passes them on byte for byte. Of a stream,
 * each event goes on at once.
 */
export class MessageReader extends PassingAnswer {
  readonly #rules: MessageRules;
  #events: EventSplitter | null = null;
  /** The rest of the event that comes passes as it is. */
  #passing = false;
  /** Whether it was tried to tell what the message that comes is. */
  #sniffed = false;
  #gathering: Gathering | null = null;
  #ended = false;
  #abort: () => void = () => {};
  #closed: () => void = () => {};
  readonly #announced: string[] = [];

  constructor(next: UpstreamSink, rules: MessageRules) {
    super(next);
    this.#rules = rules;
  }

  override head(status: number, received: string[]): void {
    const headers = this.#withSession(received);
    const type = headerValue(headers, 'content-type') ?? '';
    const coding = headerValue(headers, 'content-encoding');
    const isJson = JSON_TYPE.test(type);
    if (EVENTS_TYPE.test(type)) {
      this.#events = new EventSplitter();
      // What the server asks could not be read, or clients could read it in two ways.
      if (isJson || (coding !== null && coding !== 'identity')) {
        this.#cut();
        return;
      }
      // What the client gets may be longer or shorter. Servers give the length of a stream that they have whole.
      this.next.head(
        status,
        withoutHeaders(headers, (name) => name === 'content-length'),
      );
      if (status === 200 && this.#rules.opened) this.#closed = this.#rules.opened((json) => this.#announce(json));
      return;
    }
    // Of other statuses, clients read no message.
    if (status >= 200 && status < 300 && isJson) {
      const isPlain = coding === null || coding === 'identity';
      const mayPass = isPlain && !this.#rules.changesResponses;
      this.#gathering = { status, headers, body: [], bytes: 0, mayPass };
      return;
    }
    this.next.head(status, headers);
  }

  override data(chunk: Buffer): boolean {
    if (this.#ended) return true;
    if (this.#gathering) {
      return this.#gather(this.#gathering, chunk);
    }
    return this.#events ? this.#stream(this.#events, chunk) : this.next.data(chunk);
  }

  override end(trailers: string[]): void {
    if (this.#ended) return;
    this.#closed();
    if (this.#gathering) {
      const { status, headers, body } = this.#gathering;
      const changed = this.#whole(headers, Buffer.concat(body));
      if (changed === null) {
        this.next.head(status, headers);
        this.#cut();
        return;
      }
      this.next.head(status, changed.headers);
      if (changed.body.length > 0) this.next.data(changed.body);
    }
    // Of an event that was cut off, nothing reaches the client, whose parser would drop it too.
    if (this.#passing && this.#events) this.next.data(this.#events.flush());
    this.next.end(trailers);
  }

  override broken(): void {
    if (this.#ended) return;
    this.#closed();
    if (this.#gathering) this.next.head(this.#gathering.status, this.#gathering.headers);
    this.next.broken();
  }

  override onGone(abort: () => void): void {
    this.#abort = abort;
    this.next.onGone(() => {
      this.#closed();
      abort();
    });
  }

  #gather(gathering: Gathering, chunk: Buffer): boolean {
    gathering.body.push(chunk);
    gathering.bytes += chunk.length;
    if (gathering.bytes > LARGEST) {
      this.next.head(gathering.status, gathering.headers);
      this.#cut();
      return true;
    }
    if (!gathering.mayPass) return true;
    const beginning = Buffer.concat(gathering.body);
    gathering.mayPass = gathering.bytes <= SNIFFED;
    if (sniffKind(beginning) !== 'response') return true;
    this.#gathering = null;
    this.next.head(gathering.status, gathering.headers);
    return this.next.data(beginning);
  }

  /** Says something between two events. */
  #announce(json: string): void {
    if (this.#passing) this.#announced.push(json);
    else this.next.data(asEvent(json));
  }

  #withSession(headers: string[]): string[] {
    const at = headers.findIndex((name, i) => i % 2 === 0 && name.toLowerCase() === SESSION_HEADER);
    if (at === -1) return headers;
    const session = this.#rules.session(headers[at + 1]!);
    return headers.toSpliced(at, 2, ...(session === null ? [] : [headers[at]!, session]));
  }

  #stream(events: EventSplitter, chunk: Buffer): boolean {
    let goesOn = true;
    for (const event of events.push(chunk)) {
      const sent = this.#passing ? event : this.#read(event);
      this.#passing = false;
      if (sent) goesOn = this.next.data(sent);
      for (const json of this.#announced.splice(0)) this.#announce(json);
    }
    if (events.pending <= SNIFFED) this.#sniffed = false;
    else if (!this.#sniffed) {
      this.#sniffed = true;
      this.#passing ||= this.#mayPass(events);
    }
    if (this.#passing && events.pending > 0) goesOn = this.next.data(events.flush());
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
    // Clients leave out a byte order mark (Encoding Standard, "UTF-8 decode").
    const json = decoded.toString('utf8').replace(/^\ufeff/, '');
    if (mayAsk(json) && !this.#rules.permits(json)) return null;
    const changed = this.#rules.changesResponses ? this.#rules.response(json) : json;
    if (changed === json) return { headers, body };
    const bytes = Buffer.from(changed);
    const kept = withoutHeaders(headers, (name) => name === 'content-length' || name === 'content-encoding');
    return { headers: [...kept, 'content-length', String(bytes.length)], body: bytes };
  }

  /** Fails closed: the client gets no more, and the system is told. */
  #cut(): void {
    this.#ended = true;
    this.#closed();
    this.next.broken();
    this.#abort();
  }
}
