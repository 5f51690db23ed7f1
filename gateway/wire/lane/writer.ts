import type { Socket } from 'node:net';
import type { Turn } from './turn.ts';

/** Characters of text that wait for the end of the turn. */
const MOST_TEXT = 64 * 1024;

/** Writes to one socket at the end of each turn of the event loop, so that what belongs together is one write. */
export class Writer {
  readonly #socket: Socket;
  readonly #turn: Turn;
  readonly #flushed: () => void;
  #text = '';
  #isCorked = false;
  #isWaiting = false;

  /** @param flushed called at the end of a turn in which something was written */
  constructor(socket: Socket, turn: Turn, flushed: () => void) {
    this.#socket = socket;
    this.#turn = turn;
    this.#flushed = flushed;
  }

  /** Whether the peer does not read as fast as it is written to. The socket emits `drain` when it has caught up. */
  get isBehind(): boolean {
    return this.#socket.writableNeedDrain;
  }

  /** One character for each byte. */
  text(text: string): void {
    this.#wait();
    this.#text += text;
    if (this.#text.length > MOST_TEXT) this.#pass();
  }

  bytes(bytes: Buffer): void {
    this.#wait();
    this.#pass();
    this.#socket.write(bytes);
  }

  /** Writes now what waits. */
  flush(): void {
    const text = this.#text;
    this.#text = '';
    if (text !== '') this.#socket.write(text, 'latin1');
    if (this.#isCorked) {
      this.#isCorked = false;
      this.#socket.uncork();
    }
  }

  /** The turn has ended. */
  end(): void {
    this.#isWaiting = false;
    this.flush();
    this.#flushed();
  }

  #wait(): void {
    if (this.#isWaiting) return;
    this.#isWaiting = true;
    this.#turn.add(this);
  }

  /** Gives the text to the socket, which sends it at the end of the turn. */
  #pass(): void {
    if (!this.#isCorked) {
      this.#isCorked = true;
      this.#socket.cork();
    }
    const text = this.#text;
    this.#text = '';
    if (text !== '') this.#socket.write(text, 'latin1');
  }
}
