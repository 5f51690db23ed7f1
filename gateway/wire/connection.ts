import type { Socket } from 'node:net';
import { headerValue, isEventStream } from '../domain/headers.ts';
import type { ProblemCode } from '../domain/problem.ts';
import { AnswerReader, HeadTooLarge } from './answer-reader.ts';
import { ONE_WRITE } from './delivery.ts';
import type { Dial } from './dial.ts';
import type { Transfer } from './transfer.ts';

/** Bytes of one read. */
const READ_SIZE = 64 * 1024;

/** Longest interval between two checks of a connection's time limits, in milliseconds. */
const LOOK_INTERVAL = 4000;

export type Limits = {
  /** Longest time for a connection to open, in milliseconds. */
  readonly connect: number;
  /** Longest time for an answer to begin or continue, if its request sets none, in milliseconds. */
  readonly answer: number;
  /** The shortest time that a request sets, in milliseconds. */
  readonly shortest: number;
  /** Most bytes of the head of an answer. */
  readonly answerHead: number | undefined;
};

/** The pool that owns a connection. */
export type Owner = {
  /** The connection may carry another call, or is closed later. */
  freed(connection: Connection): void;
  /** The connection must not be used any more. */
  lost(connection: Connection): void;
  /** The connection was closed before it carried a byte of the answer, and the transfer may be sent again. */
  stale(connection: Connection, transfer: Transfer, cause: unknown): void;
  /** The connection carries a stream without end. It is closed after that, and takes no place until then. */
  streams(connection: Connection): void;
  /** The connection is closed. */
  closed(connection: Connection): void;
};

/**
 * One connection to an upstream, for one call after another (RFC 9112 section 9). It closes as soon as it cannot tell
 * which call the bytes belong to, and never sends a call twice itself.
 *
 * Node's `onread` reads into one buffer, past the machinery of streams. One timer checks all time limits when it fires.
 */
export class Connection {
  #socket: Socket;
  readonly #limits: Limits;
  readonly #owner: Owner;
  readonly #reader: AnswerReader;
  readonly #buffer = Buffer.allocUnsafeSlow(READ_SIZE);
  #transfer: Transfer | null = null;
  #isOpen = false;
  #isPaused = false;
  #isStream = false;
  /** Whether it has carried a whole call. A new connection is not stale, so a request goes out twice at most. */
  #isUsed = false;
  #now = 0;
  /** The time by which the expected event must happen. */
  #due = 0;
  /** Longest time for the answer under way to begin or continue. */
  #patience = 0;
  #timer: NodeJS.Timeout | undefined = undefined;

  constructor(dial: Dial, limits: Limits, owner: Owner) {
    this.#limits = limits;
    this.#owner = owner;
    const parts = {
      head: (status: number, fields: string[]) => this.#head(status, fields),
      data: (piece: Buffer) => this.#data(piece),
    };
    this.#reader = new AnswerReader(parts, limits.answerHead);
    const onread = { buffer: this.#buffer, callback: (length: number) => this.#read(length) };
    this.#socket = this.#follow(dial(onread, (socket) => this.#open(socket)));
  }

  /** A socket below the one in use tells nothing: its end may come before that has been read. */
  #follow(socket: Socket): Socket {
    const ifInUse = <Args extends unknown[]>(handle: (...args: Args) => void) => {
      return (...args: Args) => {
        if (socket === this.#socket) handle(...args);
      };
    };
    return socket
      .on(
        'end',
        ifInUse(() => this.#ended()),
      )
      .on(
        'error',
        ifInUse((error: Error) => this.#broke(error)),
      )
      .on(
        'close',
        ifInUse(() => this.#closed()),
      );
  }

  /** Whether the upstream promised to keep the connection until now. */
  isKept(now: number): boolean {
    return now < this.#due;
  }

  /** Sends a call as soon as the connection is open. The connection must be new or freed. */
  begin(transfer: Transfer, now: number): void {
    transfer.begin(this, now);
    this.#transfer = transfer;
    if (this.#isOpen) {
      this.#write(transfer, now);
      return;
    }
    this.#due = now + this.#limits.connect;
    this.#watch(now);
  }

  /** The caller does not want the answer any more. */
  abort(transfer: Transfer): void {
    if (this.#transfer === transfer) this.#fail('upstream-failed', new Error('the caller disconnected'));
  }

  /** Resolves when it is closed. */
  async close(): Promise<void> {
    this.#fail('upstream-failed', new Error('the gateway closes its connections'));
    if (!this.#socket.closed) await new Promise((closed) => this.#socket.once('close', closed));
  }

  #open(socket: Socket): void {
    if (socket !== this.#socket) this.#socket = this.#follow(socket);
    this.#isOpen = true;
    if (this.#transfer) this.#write(this.#transfer, performance.now());
  }

  #write(transfer: Transfer, now: number): void {
    const { request, head } = transfer;
    const { body } = request;
    this.#patience = request.timeout ?? this.#limits.answer;
    if (request.events === 'only') this.#stream();
    this.#due = now + this.#patience;
    this.#reader.begin(request.method);
    transfer.sent = true;
    if (body.length === 0) {
      this.#socket.write(head.text, 'latin1');
    } else if (head.text.length + body.length <= ONE_WRITE) {
      this.#socket.write(head.text + body.toString('latin1'), 'latin1');
    } else {
      this.#socket.cork();
      this.#socket.write(head.text, 'latin1');
      this.#socket.write(body);
      this.#socket.uncork();
    }
  }

  /** `length` bytes are in the buffer. False stops reading. */
  #read(length: number): boolean {
    const transfer = this.#transfer;
    if (!transfer?.sent) {
      // Response queue poisoning: bytes without a request belong to no call, and anything could follow them.
      this.#fail('upstream-failed', new Error('the upstream sent bytes without a request'));
      return false;
    }
    this.#now = performance.now();
    try {
      const taken = this.#reader.read(this.#buffer, length);
      if (this.#reader.ended) this.#end(transfer, taken === length);
    } catch (error) {
      this.#fail(error instanceof HeadTooLarge ? 'answer-head-too-large' : 'upstream-failed', error);
    }
    return !this.#isPaused;
  }

  #head(status: number, fields: string[]): void {
    if (this.#transfer?.request.events && isEventStream(headerValue(fields, 'content-type'))) this.#stream();
    this.#due = this.#now + this.#patience;
    if (status >= 200) this.#transfer?.answered(status, fields, this.#now);
  }

  #stream(): void {
    this.#patience = Infinity;
    if (this.#isStream) return;
    this.#isStream = true;
    this.#owner.streams(this);
  }

  #data(piece: Buffer): void {
    const transfer = this.#transfer;
    if (!transfer) return;
    this.#due = this.#now + this.#patience;
    if (transfer.data(piece) || this.#isPaused) return;
    this.#isPaused = true;
    transfer.onDrain(() => this.#resume(transfer));
  }

  #resume(transfer: Transfer): void {
    if (this.#transfer !== transfer || !this.#isPaused) return;
    this.#isPaused = false;
    this.#due = performance.now() + this.#patience;
    this.#socket.resume();
  }

  /** Ends the transfer with its whole answer. */
  #end(transfer: Transfer, isInStep: boolean): void {
    if (this.#transfer !== transfer) return;
    const idle = isInStep && !transfer.head.isLast && !this.#isStream ? this.#reader.idle : 0;
    this.#isUsed = true;
    transfer.end(this.#reader.trailers);
    // Its caller may have left at the last moment; then the connection is already closed.
    if (this.#transfer !== transfer) return;
    this.#transfer = null;
    // TLS delivers decrypted bytes even while paused, up to the end: the next answer must not find reading stopped.
    if (this.#isPaused) this.#socket.resume();
    this.#isPaused = false;
    this.#due = this.#now + idle;
    if (idle === 0) this.#destroy();
    else if (this.#isWritten) this.#owner.freed(this);
    // Node reports bytes written through TLS one turn late, and a nearby upstream answers sooner.
    else setImmediate(() => this.#freeWritten());
  }

  /** The rest of an unfinished request, such as one that the upstream refused early, would run into the next. */
  #freeWritten(): void {
    if (this.#socket.destroyed) return;
    if (this.#isWritten) this.#owner.freed(this);
    else this.#destroy();
  }

  get #isWritten(): boolean {
    return this.#socket.writableLength === 0;
  }

  /** The upstream has closed its side. Node does not tell whether TLS was closed in order (RFC 9112 section 9.8). */
  #ended(): void {
    const transfer = this.#transfer;
    try {
      this.#now = performance.now();
      if (transfer) this.#reader.close();
      if (transfer) this.#end(transfer, false);
      else this.#destroy();
    } catch (error) {
      this.#broke(error);
    }
  }

  #closed(): void {
    clearTimeout(this.#timer);
    this.#broke(new Error('the connection was closed'));
    this.#owner.closed(this);
  }

  /**
   * The upstream closed the connection. It may have closed a kept one before it saw the request, as connections time out
   * (RFC 9110 section 9.2.2, RFC 9112 section 9.3.1).
   */
  #broke(cause: unknown): void {
    const transfer = this.#transfer;
    if (!transfer?.mayRepeat || !this.#isUsed || this.#reader.begun) {
      this.#fail('upstream-failed', cause);
      return;
    }
    this.#transfer = null;
    this.#destroy();
    this.#owner.stale(this, transfer, cause);
  }

  #fail(code: ProblemCode, cause: unknown): void {
    const transfer = this.#transfer;
    this.#transfer = null;
    this.#destroy();
    transfer?.fail(code, cause, performance.now());
  }

  /** On an error node has already destroyed the socket, but the owner does not know. */
  #destroy(): void {
    this.#socket.destroy();
    this.#owner.lost(this);
  }

  /**
   * Enforces the time limits. Setting one is an assignment; the timer checks them at intervals no longer than the
   * shortest. So an idle connection may close late, but `isKept` already says not to use it.
   */
  #watch(now: number): void {
    if (now >= this.#due && !this.#isPaused) {
      const code = this.#isOpen ? 'upstream-timeout' : 'upstream-unreachable';
      this.#fail(code, new Error(this.#isOpen ? 'no answer in time' : 'no connection in time'));
      return;
    }
    const left = this.#isPaused ? Infinity : this.#due - now;
    const interval = Math.min(left, this.#limits.connect, this.#limits.answer, this.#limits.shortest, LOOK_INTERVAL);
    this.#timer = setTimeout(() => this.#watch(performance.now()), interval);
  }
}
