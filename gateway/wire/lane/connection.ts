import { Socket } from 'node:net';
import type { AgentResponse } from '../../domain/message.ts';
import { mayBecomePlain, readPlainHead } from './plain-head.ts';
import { LaneRequest } from './request.ts';
import { LaneResponse, type Carrier } from './response.ts';
import type { Turn } from './turn.ts';
import { Writer } from './writer.ts';

/** Most pieces in which a plain head arrives. Only senders that mean harm send more. */
const MOST_PIECES = 8;
/** Bytes behind a request after which reading stops until it is answered. */
const MOST_BEHIND = 64 * 1024;
/** How much of a refused body is read and thrown away, in bytes, and for how long, in milliseconds. */
const MOST_REFUSED = 64 * 2 ** 20;
const LONGEST_REFUSED = 10_000;

const HEAD_END = Buffer.from('\r\n\r\n');

/** Longest waits, in milliseconds. */
export type Patience = {
  /** For a head, from its first byte or from the beginning of the connection. */
  readonly head: number;
  /** For a whole request. */
  readonly request: number;
  /** For the next request. */
  readonly keepAlive: number;
};

/** What a connection needs of its lane. */
export type Owner = {
  readonly turn: Turn;
  /** Seconds for which idle connections are kept, as callers are told. */
  readonly keptFor: number;
  /** Most bytes of a head that the lane takes. */
  readonly longestHead: number;
  /** Whether the lane takes requests for this target. */
  takes(target: string): boolean;
  serve(response: AgentResponse): void;
  /** Gives the connection to `node:http`, for good. `bytes` are what has been read of it. */
  handOver(connection: LaneConnection, socket: Socket, bytes: Buffer): void;
  /** Answers a request that did not arrive whole, and closes the connection. */
  unreadable(code: string, socket: Socket): void;
  closed(connection: LaneConnection): void;
  /** Counts the looks at the time limits. */
  readonly now: number;
};

/**
 * `idle`: no byte of the next request has come. `head`: a part of its head has. `serving`: it is being answered.
 * `refusing`: it is answered, and the rest of its body is thrown away. `over`: the connection is about to close.
 */
type State = 'idle' | 'head' | 'serving' | 'refusing' | 'over';

/**
 * One connection of an agent, as long as it sends plain requests, one after another. With anything else, and with a
 * request that comes before the last one is answered, the connection goes to `node:http`.
 */
export class LaneConnection implements Carrier {
  readonly #socket: Socket;
  readonly #owner: Owner;
  /** Whether each read of the socket has memory of its own. With TLS, several share one. */
  readonly #ownsBytes: boolean;
  #state: State = 'idle';
  /** The look at the time limits after which the state began. */
  #since: number;
  #isUsed = false;
  /** A part of a head, or what came behind a request that is not answered yet. */
  #held: Buffer | null = null;
  #pieces = 0;
  #request: LaneRequest | null = null;
  #response: LaneResponse | null = null;
  #refused = 0;
  #isPaused = false;
  readonly writer: Writer;

  readonly #onData = (bytes: Buffer): void => this.#read(bytes);
  readonly #onEnd = (): void => this.#ended();
  readonly #onClose = (): void => this.#closed();
  readonly #onDrain = (): void => this.#drained();
  readonly #pace = (): void => this.#readOrNot();

  constructor(socket: Socket, owner: Owner) {
    this.#socket = socket;
    this.#owner = owner;
    this.#ownsBytes = socket.constructor === Socket;
    this.#since = owner.now;
    this.writer = new Writer(socket, owner.turn, () => this.#state === 'idle' && this.#readOrNot());
    socket.on('data', this.#onData);
    socket.on('end', this.#onEnd);
    socket.on('close', this.#onClose);
    socket.on('drain', this.#onDrain);
    // `close` follows.
    socket.on('error', ignore);
  }

  /** Whether it has carried a request, and waits for another. */
  get isIdle(): boolean {
    return this.#state === 'idle' && this.#isUsed;
  }

  get keptFor(): number {
    return this.#owner.keptFor;
  }

  /** Closes it once what has been written is sent. */
  close(): void {
    this.#enter('over');
    this.writer.flush();
    this.#resume();
    this.#socket.destroySoon();
  }

  abort(): void {
    this.#enter('over');
    this.writer.flush();
    this.#socket.destroy();
  }

  answered(closes: boolean, reads: boolean): void {
    const request = this.#request!;
    this.#response = null;
    if (reads && !request.complete) {
      request.refuse();
      this.#enter('refusing');
      this.#readOrNot();
    } else if (closes || !request.complete) {
      this.close();
    } else {
      this.#request = null;
      this.#enter('idle');
      const behind = this.#held;
      if (behind) this.#handOver(behind);
    }
  }

  /** Looks at the time limits. `age` tells for how many milliseconds at least the state has lasted. */
  look(age: (since: number) => number, patience: Patience): void {
    const lasted = age(this.#since);
    switch (this.#state) {
      case 'idle':
        if (this.#isUsed && lasted >= patience.keepAlive) this.#socket.destroy();
        else if (!this.#isUsed && lasted >= patience.head) this.#refuse('ERR_HTTP_REQUEST_TIMEOUT');
        break;
      case 'head':
        if (lasted >= patience.head) this.#refuse('ERR_HTTP_REQUEST_TIMEOUT');
        break;
      case 'serving':
        if (!this.#request!.complete && lasted >= patience.request) this.#refuse('ERR_HTTP_REQUEST_TIMEOUT');
        break;
      case 'refusing':
        if (lasted >= LONGEST_REFUSED) this.close();
        break;
      case 'over':
        if (lasted >= patience.request) this.#socket.destroy();
        break;
    }
  }

  #enter(state: State): void {
    this.#state = state;
    this.#since = this.#owner.now;
  }

  #read(bytes: Buffer): void {
    switch (this.#state) {
      case 'idle':
      case 'head':
        this.#readHead(bytes);
        break;
      case 'serving':
        this.#readBody(bytes);
        break;
      case 'refusing':
        this.#refused += bytes.length;
        if (this.#refused >= Math.min(this.#request!.left, MOST_REFUSED)) this.close();
        break;
      case 'over':
        break;
    }
  }

  #readHead(bytes: Buffer): void {
    const all = this.#held ? Buffer.concat([this.#held, bytes]) : bytes;
    this.#held = null;
    const end = all.indexOf(HEAD_END);
    if (end < 0) {
      this.#pieces += 1;
      if (
        all.length >= this.#owner.longestHead ||
        this.#pieces > MOST_PIECES ||
        !mayBecomePlain(all.toString('latin1'))
      ) {
        this.#handOver(all);
        return;
      }
      this.#held = all;
      if (this.#state === 'idle') this.#enter('head');
      return;
    }
    const start = end + HEAD_END.length;
    const head = start <= this.#owner.longestHead ? readPlainHead(all.toString('latin1', 0, end + 2)) : null;
    if (!head || all.length > start + head.length || !this.#owner.takes(head.target)) {
      this.#handOver(all);
      return;
    }
    this.#pieces = 0;
    this.#isUsed = true;
    this.#enter('serving');
    const request = new LaneRequest(head, this.#socket, this.#pace);
    if (all.length > start) request.take(all.subarray(start), all === bytes && this.#ownsBytes);
    const response = new LaneResponse(request, this);
    this.#request = request;
    this.#response = response;
    this.#owner.serve(response);
  }

  #readBody(bytes: Buffer): void {
    const request = this.#request!;
    const { left } = request;
    // Kept first: the last byte of the body may bring the answer, and then the next request has its turn.
    if (bytes.length > left) this.#keepBehind(bytes.subarray(left));
    if (left > 0) {
      if (bytes.length > left) request.take(bytes.subarray(0, left), false);
      else request.take(bytes, this.#ownsBytes);
    }
    this.#readOrNot();
  }

  #keepBehind(bytes: Buffer): void {
    this.#held = this.#held ? Buffer.concat([this.#held, bytes]) : bytes;
  }

  /** An answer is written before the next request is read. What came too early is for `node:http`, in order. */
  #handOver(bytes: Buffer): void {
    this.writer.flush();
    this.#enter('over');
    this.#isPaused = false;
    const socket = this.#socket;
    socket.off('data', this.#onData);
    socket.off('end', this.#onEnd);
    socket.off('close', this.#onClose);
    socket.off('drain', this.#onDrain);
    socket.off('error', ignore);
    this.#owner.handOver(this, socket, bytes);
  }

  #readOrNot(): void {
    const isFull =
      (this.#state === 'serving' && (this.#request!.isFull || (this.#held?.length ?? 0) > MOST_BEHIND)) ||
      // A caller that does not read its answers gets no more of them.
      (this.#state === 'idle' && this.writer.isBehind);
    if (!isFull) {
      this.#resume();
    } else if (!this.#isPaused) {
      this.#isPaused = true;
      this.#socket.pause();
    }
  }

  #resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.#socket.resume();
  }

  #drained(): void {
    this.#response?.drained();
    if (this.#state === 'idle') this.#readOrNot();
  }

  /** The caller has closed its side: it wants no answer any more, as with `node:http`. */
  #ended(): void {
    const isPartial = this.#state === 'head' || (this.#state === 'serving' && !this.#request!.complete);
    if (isPartial) this.#refuse('HPE_INVALID_EOF_STATE');
    else if (this.#state !== 'over') this.close();
    this.#leave();
  }

  /** The request does not arrive whole. */
  #refuse(code: string): void {
    const isBegun = this.#response?.begun ?? false;
    this.writer.flush();
    this.#enter('over');
    if (isBegun) this.#socket.destroy();
    else this.#owner.unreadable(code, this.#socket);
    this.#leave();
  }

  #closed(): void {
    this.#enter('over');
    this.#leave();
    this.#owner.closed(this);
  }

  #leave(): void {
    const request = this.#request;
    const response = this.#response;
    this.#request = null;
    this.#response = null;
    response?.leave();
    request?.cut();
  }
}

function ignore(): void {}
