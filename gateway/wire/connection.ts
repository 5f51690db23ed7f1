import type { Socket } from 'node:net';
import type { ProblemCode } from '../domain/problem.ts';
import { AnswerReader } from './answer-reader.ts';
import type { Dial } from './dial.ts';
import { ONE_WRITE } from './one-write.ts';
import type { Transfer } from './transfer.ts';

/** Bytes read at once. */
const READ_SIZE = 64 * 1024;

/** Longest interval in which the timer of a connection looks at its time limits, in milliseconds. */
const LOOK_INTERVAL = 4000;

/** How long a connection may take to open, and an answer to begin or to go on, in milliseconds. */
export type Limits = { readonly connect: number; readonly answer: number };

/** To whom a connection belongs. */
export type Owner = {
  /** It may be used for another call, or will be closed after a while. */
  freed(connection: Connection): void;
  /** It may not be used any more. */
  lost(connection: Connection): void;
  /** And now it is gone. */
  closed(connection: Connection): void;
};

/**
 * One connection to a system, for one call after another (RFC 9112 section 9). It is closed at the least doubt whose the
 * bytes are that it carries, and never sends a call that it may have sent before.
 *
 * Bytes are read into one buffer by node's `onread`, past the machinery of streams, and the time limits are one timer
 * that finds out when it fires whether it was meant.
 */
export class Connection {
  readonly #socket: Socket;
  readonly #limits: Limits;
  readonly #owner: Owner;
  readonly #reader: AnswerReader;
  readonly #buffer = Buffer.allocUnsafeSlow(READ_SIZE);
  #transfer: Transfer | null = null;
  #isOpen = false;
  #isPaused = false;
  #now = 0;
  /** When it is too late for what is waited for. */
  #due = 0;
  #timer: NodeJS.Timeout | undefined = undefined;

  constructor(dial: Dial, limits: Limits, owner: Owner) {
    this.#limits = limits;
    this.#owner = owner;
    this.#reader = new AnswerReader({
      head: (status, fields) => this.#head(status, fields),
      data: (piece) => this.#data(piece),
    });
    this.#socket = dial.dial({ buffer: this.#buffer, callback: (length) => this.#read(length) });
    this.#socket
      .once(dial.ready, () => this.#open())
      .on('end', () => this.#ended())
      .on('error', (error) => this.#fail('upstream-failed', error))
      .on('close', () => this.#closed());
  }

  /** Whether the system was to keep it until now. */
  isKept(now: number): boolean {
    return now < this.#due;
  }

  /** Sends a call, as soon as the connection is open. It must be a new connection, or one that was freed. */
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
    if (this.#transfer === transfer) this.#fail('upstream-failed', new Error('the caller is gone'));
  }

  /** Resolves when it is closed. */
  async close(): Promise<void> {
    this.#fail('upstream-failed', new Error('the gateway closes its connections'));
    if (!this.#socket.closed) await new Promise((closed) => this.#socket.once('close', closed));
  }

  #open(): void {
    this.#isOpen = true;
    if (this.#transfer) this.#write(this.#transfer, performance.now());
  }

  #write(transfer: Transfer, now: number): void {
    const { request, head } = transfer;
    const { body } = request;
    this.#due = now + this.#limits.answer;
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
      // What nobody asked for is nobody's answer; and what follows it could be anything (response queue poisoning).
      this.#fail('upstream-failed', new Error('the system sent what nobody asked for'));
      return false;
    }
    this.#now = performance.now();
    try {
      const taken = this.#reader.read(this.#buffer, length);
      if (this.#reader.ended) this.#end(transfer, taken === length);
    } catch (error) {
      this.#fail('upstream-failed', error);
    }
    return !this.#isPaused;
  }

  #head(status: number, fields: string[]): void {
    this.#due = this.#now + this.#limits.answer;
    if (status >= 200) this.#transfer?.answered(status, fields, this.#now);
  }

  #data(piece: Buffer): void {
    const transfer = this.#transfer;
    if (!transfer) return;
    this.#due = this.#now + this.#limits.answer;
    if (transfer.data(piece) || this.#isPaused) return;
    this.#isPaused = true;
    transfer.onDrain(() => this.#resume(transfer));
  }

  #resume(transfer: Transfer): void {
    if (this.#transfer !== transfer || !this.#isPaused) return;
    this.#isPaused = false;
    this.#due = performance.now() + this.#limits.answer;
    this.#socket.resume();
  }

  /** The answer is here whole. */
  #end(transfer: Transfer, isInStep: boolean): void {
    if (this.#transfer !== transfer) return;
    const idle = isInStep && !transfer.head.isLast ? this.#reader.idle : 0;
    transfer.end(this.#reader.trailers);
    // Its caller may have left at the last moment, and the connection is closed already.
    if (this.#transfer !== transfer) return;
    this.#transfer = null;
    // TLS hands over what it has decrypted even in a pause, up to the end: the next answer must not find reading stopped.
    if (this.#isPaused) this.#socket.resume();
    this.#isPaused = false;
    this.#due = this.#now + idle;
    if (idle === 0) this.#destroy();
    else if (this.#isWritten) this.#owner.freed(this);
    // Of what went out through TLS node tells a turn of the event loop late, and a system nearby is faster than that.
    else setImmediate(() => this.#freeWritten());
  }

  /** A request that is still not out, as one that the system refused early, would run into the next. */
  #freeWritten(): void {
    if (this.#socket.destroyed) return;
    if (this.#isWritten) this.#owner.freed(this);
    else this.#destroy();
  }

  get #isWritten(): boolean {
    return this.#socket.writableLength === 0;
  }

  /** The system has closed its side. Whether TLS was closed in order (RFC 9112 section 9.8), node does not tell. */
  #ended(): void {
    const transfer = this.#transfer;
    try {
      this.#now = performance.now();
      if (transfer) this.#reader.close();
      if (transfer) this.#end(transfer, false);
      else this.#destroy();
    } catch (error) {
      this.#fail('upstream-failed', error);
    }
  }

  #closed(): void {
    clearTimeout(this.#timer);
    this.#fail('upstream-failed', new Error('the connection was closed'));
    this.#owner.closed(this);
  }

  #fail(code: ProblemCode, cause: unknown): void {
    const transfer = this.#transfer;
    this.#transfer = null;
    this.#destroy();
    transfer?.fail(code, cause, performance.now());
  }

  /** Node may have destroyed the socket already, as it does on an error; the owner does not know of that. */
  #destroy(): void {
    this.#socket.destroy();
    this.#owner.lost(this);
  }

  /**
   * Keeps to the time limits. Setting them is an assignment; the timer looks at them, at intervals no longer than the
   * shortest. An idle connection may so be closed late, but `isKept` tells that it is not to be used.
   */
  #watch(now: number): void {
    if (now >= this.#due && !this.#isPaused) {
      const code = this.#isOpen ? 'upstream-timeout' : 'upstream-unreachable';
      this.#fail(code, new Error(this.#isOpen ? 'no answer in time' : 'no connection in time'));
      return;
    }
    const left = this.#isPaused ? Infinity : this.#due - now;
    const interval = Math.min(left, this.#limits.connect, this.#limits.answer, LOOK_INTERVAL);
    this.#timer = setTimeout(() => this.#watch(performance.now()), interval);
  }
}
