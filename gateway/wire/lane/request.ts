import type { IncomingHttpHeaders } from 'node:http';
import type { Socket } from 'node:net';
import type { AgentRequest, BodyReader } from '../../domain/message.ts';
import type { PlainHead } from './plain-head.ts';

/** Most bytes of a body that wait for their reader. */
const MOST_WAITING = 64 * 1024;

type Piece = { readonly bytes: Buffer; readonly isOwn: boolean };

/** A request that the lane has read. */
export class LaneRequest implements AgentRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly rawHeaders: string[];
  readonly keepAlive: boolean;
  readonly socket: Socket;
  #left: number;
  #waiting: Piece[] | null = null;
  #waitingBytes = 0;
  #reader: BodyReader | null = null;
  #isRefused = false;
  #isCut = false;
  /** Tells the connection that it may have to read on, or to stop reading. */
  readonly #pace: () => void;

  constructor(head: PlainHead, socket: Socket, pace: () => void) {
    this.method = head.method;
    this.url = head.target;
    this.headers = head.headers;
    this.rawHeaders = head.rawHeaders;
    this.keepAlive = head.keepAlive;
    this.socket = socket;
    this.#left = head.length;
    this.#pace = pace;
  }

  get httpVersionMajor(): number {
    return 1;
  }

  get httpVersionMinor(): number {
    return 1;
  }

  get complete(): boolean {
    return this.#left === 0;
  }

  get wasRead(): boolean {
    return this.#reader !== null;
  }

  /** Bytes of the body still to come. */
  get left(): number {
    return this.#left;
  }

  /** Whether no more of the body is wanted for now. */
  get isFull(): boolean {
    return this.#isRefused || this.#waitingBytes >= MOST_WAITING;
  }

  readBody(reader: BodyReader): void {
    this.#reader = reader;
    const waiting = this.#waiting;
    this.#waiting = null;
    this.#waitingBytes = 0;
    for (const piece of waiting ?? []) if (!this.#isRefused) this.#give(piece);
    if (this.#isRefused) return;
    if (this.#left === 0) reader.end();
    else if (this.#isCut) reader.cut();
    else this.#pace();
  }

  /** Takes a piece of the body, which must not be longer than what is left of it. `isOwn`: see `BodyReader`. */
  take(bytes: Buffer, isOwn: boolean): void {
    this.#left -= bytes.length;
    if (this.#isRefused) return;
    if (this.#reader) {
      this.#give({ bytes, isOwn });
      if (this.#left === 0 && !this.#isRefused) this.#reader.end();
    } else {
      (this.#waiting ??= []).push({ bytes, isOwn });
      this.#waitingBytes += bytes.length;
    }
  }

  /** The rest of the body is of no interest. */
  refuse(): void {
    this.#isRefused = true;
    this.#waiting = null;
  }

  /** The caller left. */
  cut(): void {
    if (this.#left === 0 || this.#isCut) return;
    this.#isCut = true;
    if (!this.#isRefused) this.#reader?.cut();
  }

  #give({ bytes, isOwn }: Piece): void {
    if (this.#reader!.piece(bytes, isOwn)) return;
    this.refuse();
    this.#pace();
  }
}
