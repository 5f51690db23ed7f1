import type { Verdict } from '../../../domain/decision.ts';
import type { AnsweredMessage, StreamedAnswer } from '../../../domain/reply.ts';
import type { AnswerNote } from '../../../domain/upstream-sink.ts';
import { asEvent, dataOf } from '../../../mcp/event-splitter.ts';
import { readServerMessage } from '../../../mcp/response.ts';
import { HeldAnswer, type MessageSink } from './held-answer.ts';
import type { MessageTransport } from './mcp-reply.ts';
import { foreignResponse } from './refusal.ts';

/**
 * The one HTTP response to a batch (2025-03-26, Transports). The messages go to the server one by one, and what comes
 * back goes on one event stream as it comes, or into one array for a client that takes no stream.
 */
export class BatchResponse {
  readonly #http: MessageTransport;
  readonly #streams: boolean;
  /** Messages that are not settled. */
  #open: number;
  #write: ((piece: Buffer) => boolean) | null = null;
  readonly #responses: string[] = [];
  #status = 202;

  constructor(http: MessageTransport, messages: readonly AnsweredMessage[]) {
    this.#http = http;
    this.#streams = http.accepts('text/event-stream');
    this.#open = messages.length;
  }

  /** The transport of one message. */
  part(message: AnsweredMessage): MessageTransport {
    const http = this.#http;
    let isSettled = false;
    const settle = (decisionId: string, verdict: Verdict) => {
      if (isSettled) return;
      isSettled = true;
      this.#settled(decisionId, verdict);
    };
    let named: readonly [decisionId: string, verdict: Verdict] = ['', 'block'];
    return {
      get via() {
        return http.via;
      },
      get gone() {
        return http.gone;
      },
      whyCutOff: () => http.whyCutOff(),
      onClose: (closed) => http.onClose(closed),
      onDrain: (resume) => http.onDrain(resume),
      locationOf: (holdId) => http.locationOf(holdId),
      abort: () => http.abort(),
      accepts: (type) => (type === 'text/event-stream') === this.#streams,
      answer: (decisionId, verdict) => {
        if (message.id === null) {
          return new NoAnswer(http, (status) => {
            this.#status = Math.max(this.#status, status);
            settle(decisionId, verdict);
          });
        }
        http.carriesAnswer();
        return new PartAnswer(message.id, {
          respond: (json) => {
            this.#respond(decisionId, verdict, json);
            settle(decisionId, verdict);
          },
          event: (event) => this.#event(decisionId, verdict, event),
          end: () => settle(decisionId, verdict),
          onDrain: (resume) => http.onDrain(resume),
          onClose: (closed) => http.onClose(closed),
          get gone() {
            return http.gone;
          },
          foreign: (status, body) => foreignResponse(message, decisionId, status, body),
        });
      },
      message: (decisionId, verdict, _status, json) => {
        this.#respond(decisionId, verdict, json);
        settle(decisionId, verdict);
      },
      withoutBody: (decisionId, verdict, status) => {
        this.#status = Math.max(this.#status, status);
        settle(decisionId, verdict);
      },
      openStream: (...decided) => {
        named = decided;
        return this.#stream(...decided);
      },
      carriesAnswer: () => http.carriesAnswer(),
      endStream: () => settle(...named),
    };
  }

  #respond(decisionId: string, verdict: Verdict, json: string): void {
    if (this.#streams) this.#stream(decisionId, verdict)(asEvent(json));
    else this.#responses.push(json);
  }

  /** False asks for a pause. */
  #event(decisionId: string, verdict: Verdict, event: Buffer): boolean {
    const data = dataOf(event);
    if (data === null || data === '') return true;
    // Without the event's id, which names a place in a stream of the server's own.
    if (this.#streams) return this.#stream(decisionId, verdict)(asEvent(data));
    if (readServerMessage(data)?.kind === 'response') this.#responses.push(data);
    return true;
  }

  #stream(decisionId: string, verdict: Verdict): (piece: Buffer) => boolean {
    return (this.#write ??= this.#http.openStream(decisionId, verdict));
  }

  #settled(decisionId: string, verdict: Verdict): void {
    this.#open -= 1;
    if (this.#open > 0) return;
    if (this.#write) this.#http.endStream();
    else if (this.#responses.length > 0) this.#http.message(decisionId, verdict, 200, `[${this.#responses.join(',')}]`);
    else this.#http.withoutBody(decisionId, verdict, this.#status);
  }
}

/** The server's answer to one request of a batch. */
class PartAnswer extends HeldAnswer {
  readonly #sink: MessageSink;

  constructor(id: string, sink: MessageSink) {
    super(id, sink);
    this.#sink = sink;
  }

  /** The other answers go on. */
  override broken(): void {
    this.#sink.respond(this.#sink.foreign(502, ''), 0);
  }
}

/** The server's answer to a notification, or to a response of the client: its status alone counts. */
class NoAnswer implements StreamedAnswer {
  readonly notes: readonly AnswerNote[] = [];
  readonly #http: Pick<MessageTransport, 'gone' | 'onClose'>;
  readonly #settle: (status: number) => void;
  #status = 0;

  constructor(http: Pick<MessageTransport, 'gone' | 'onClose'>, settle: (status: number) => void) {
    this.#http = http;
    this.#settle = settle;
  }

  get gone(): boolean {
    return this.#http.gone;
  }

  head(status: number): void {
    this.#status = status;
  }

  data(): boolean {
    return true;
  }

  end(): void {
    this.#settle(this.#status < 300 ? 202 : this.#status);
  }

  broken(): void {
    this.#settle(502);
  }

  onDrain(resume: () => void): void {
    resume();
  }

  onGone(abort: () => void): void {
    this.#http.onClose(() => this.#http.gone && abort());
  }
}
