import { isSafe } from '../domain/call.ts';
import { Problem, type ProblemCode } from '../domain/problem.ts';
import type { createResponseHeaders } from './response-headers.ts';
import type { RequestHead } from './request-head.ts';
import type { UpstreamSink } from '../domain/upstream-sink.ts';
import type { Delivery, Outgoing } from './delivery.ts';

/** The connection of a transfer, as far as a transfer knows it. */
export type Carrier = { abort(transfer: Transfer): void };

/** One request and its answer, from the queue to the delivery. */
export class Transfer {
  readonly request: Outgoing;
  readonly head: RequestHead;
  /** Null while it is queued. */
  connection: Carrier | null = null;
  /** Fires when it has been queued for too long. */
  queueTimer: NodeJS.Timeout | undefined = undefined;
  /** Set before the first byte is written on its connection: from then on the request may have arrived. */
  sent = false;
  #isRepeated = false;
  readonly #sink: UpstreamSink;
  readonly #done: (delivery: Delivery) => void;
  readonly #returned: ReturnType<typeof createResponseHeaders>;
  #beganAt = 0;
  #status = 0;
  #bytes = 0;
  #upstreamMs = 0;

  /** @param returned the headers of the answer that the sink gets */
  constructor(
    request: Outgoing,
    head: RequestHead,
    returned: ReturnType<typeof createResponseHeaders>,
    sink: UpstreamSink,
    done: (delivery: Delivery) => void,
  ) {
    this.request = request;
    this.head = head;
    this.#returned = returned;
    this.#sink = sink;
    this.#done = done;
  }

  /** `now` is `performance.now()`, here and below. */
  begin(connection: Carrier, now: number): void {
    this.connection = connection;
    this.#beganAt = now;
  }

  /** Whether it may be sent once more: only with a safe method (RFC 9110 section 9.2.1). */
  get mayRepeat(): boolean {
    return isSafe(this.request.method);
  }

  /** Takes it back from a connection that carried nothing of the answer. */
  repeat(): void {
    this.#isRepeated = true;
    this.sent = false;
    this.#sink.note?.('sent-again');
  }

  answered(status: number, fields: string[], now: number): void {
    this.#upstreamMs = now - this.#beganAt;
    this.#sink.head(status, this.#returned(fields));
    this.#status = status;
  }

  /** False asks for a pause until `resume` is called. */
  data(piece: Buffer): boolean {
    this.#bytes += piece.length;
    return this.#sink.data(piece);
  }

  onDrain(resume: () => void): void {
    this.#sink.onDrain(resume);
  }

  end(trailers: string[]): void {
    this.#sink.end(trailers.length > 0 ? this.#returned(trailers) : trailers);
    this.#finish(null);
  }

  /** Ends it without a complete answer. `code` applies if any of the request was written. */
  fail(code: ProblemCode, cause: unknown, now: number): void {
    if (this.#status > 0) this.#sink.broken();
    else if (this.connection) this.#upstreamMs = now - this.#beganAt;
    this.#finish(new Problem(this.#maybeArrived ? code : 'upstream-unreachable', { cause }));
  }

  /** Ends it while it is queued. */
  refuse(problem: Problem): void {
    this.#finish(problem);
  }

  get #maybeArrived(): boolean {
    return this.sent || this.#isRepeated;
  }

  #finish(problem: Problem | null): void {
    this.#done({
      status: this.#status,
      bytes: this.#bytes,
      upstreamMs: this.#upstreamMs,
      sent: this.#maybeArrived,
      problem,
    });
  }
}
