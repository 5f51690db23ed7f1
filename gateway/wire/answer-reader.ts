import { ChunkFraming } from './chunk-framing.ts';
import { readFieldLines, refuseIllegal } from './field-lines.ts';

/** Receives the parts of an answer, in order. An error thrown here is thrown by `read`. */
export type AnswerParts = {
  /** Interim answers (1xx) have a head only. Names and values alternate, as sent. */
  head(status: number, fields: string[]): void;
  /** `piece` is a copy: the next read overwrites the buffer. */
  data(piece: Buffer): void;
};

/** Most bytes of a head, and of the trailers, where a system sets no limit. Common proxies take as much. */
const FIELDS_LIMIT = 64 * 1024;
/** Most interim answers before the final one. */
const INTERIM_LIMIT = 100;

/**
 * Longest time to keep an idle connection, and how much earlier than the upstream's own timeout to stop using it, in
 * milliseconds.
 */
const LONGEST_IDLE = 4000;
const IDLE_MARGIN = 1000;

const STATUS_LINE = /^HTTP\/1\.([01]) ([1-9]\d\d)(?: [^\r]*)?\r\n/;
const STATUS_LINE_BEGINS = 'HTTP/1.';

const CR = 0x0d;

/** The head of an answer is longer than the limit. The upstream may have executed the request. */
export class HeadTooLarge extends Error {}

/** What the next byte belongs to. */
type Place = 'head' | 'counted body' | 'endless body' | 'framing of chunks' | 'chunk' | 'trailers' | 'nothing';

/**
 * Reads the answers on one connection, one for each request (RFC 9112). It is strict where parsers have disagreed on
 * where an answer ends: line folding, bare CR and LF, repeated or contradicting lengths, any transfer coding but
 * chunked.
 */
export class AnswerReader {
  readonly #parts: AnswerParts;
  readonly #fieldsLimit: number;
  #place: Place = 'nothing';
  /** The part of a head or of trailers that has arrived. */
  #held = '';
  #interim = 0;
  #isHead = false;
  #idle = 0;
  /** Bytes still to come of a counted body, or of a chunk. */
  #left = 0;
  readonly #chunks = new ChunkFraming();
  #trailers: string[] = [];

  /** @param fieldsLimit most bytes of a head, and of the trailers */
  constructor(parts: AnswerParts, fieldsLimit = FIELDS_LIMIT) {
    this.#parts = parts;
    this.#fieldsLimit = fieldsLimit;
  }

  /** Whether the whole answer has arrived. */
  get ended(): boolean {
    return this.#place === 'nothing';
  }

  /** Whether any byte of the answer has arrived. */
  get begun(): boolean {
    return this.#place !== 'head' || this.#held !== '' || this.#interim > 0;
  }

  /** Milliseconds for which the upstream keeps the connection for another request; 0 if it does not. */
  get idle(): number {
    return this.#idle;
  }

  get trailers(): string[] {
    return this.#trailers;
  }

  /** Begins the answer to a request with this method, which is about to be sent. */
  begin(method: string): void {
    this.#place = 'head';
    this.#isHead = method === 'HEAD';
    this.#interim = 0;
    if (this.#trailers.length > 0) this.#trailers = [];
  }

  /**
   * Takes the first `length` of `bytes`. Returns how many of them belong to the answer; less than `length` if bytes
   * follow its end.
   * @throws Error when the answer is invalid or ambiguous; HeadTooLarge
   */
  read(bytes: Buffer, length: number): number {
    let at = 0;
    while (at < length && this.#place !== 'nothing') at = this.#step(bytes, at, length);
    return at;
  }

  /**
   * The upstream has closed its side.
   * @throws Error when the answer is incomplete
   */
  close(): void {
    if (this.#place !== 'endless body')
      throw new Error('the upstream closed the connection before its answer was complete');
    this.#place = 'nothing';
  }

  #step(bytes: Buffer, at: number, end: number): number {
    switch (this.#place) {
      case 'head':
        return this.#readHead(bytes, at, end);
      case 'counted body': {
        const next = this.#pass(bytes, at, end);
        if (this.#left === 0) this.#place = 'nothing';
        return next;
      }
      case 'endless body':
        this.#left = Infinity;
        return this.#pass(bytes, at, end);
      case 'framing of chunks': {
        const size = this.#chunks.take(bytes[at]!);
        if (size >= 0) {
          this.#left = size;
          this.#place = size > 0 ? 'chunk' : 'trailers';
        }
        return at + 1;
      }
      case 'chunk': {
        const next = this.#pass(bytes, at, end);
        if (this.#left === 0) this.#place = 'framing of chunks';
        return next;
      }
      case 'trailers':
        return this.#readTrailers(bytes, at, end);
      case 'nothing':
        return at;
    }
  }

  #pass(bytes: Buffer, at: number, end: number): number {
    const size = Math.min(this.#left, end - at);
    const piece = Buffer.allocUnsafe(size);
    bytes.copy(piece, 0, at, at + size);
    this.#left -= size;
    this.#parts.data(piece);
    return at + size;
  }

  #readHead(bytes: Buffer, at: number, end: number): number {
    const next = this.#hold(bytes, at, end, '\r\n\r\n');
    const text = this.#held;
    if (next < 0) {
      // Fails at once when the bytes can no longer become an answer.
      const begins = STATUS_LINE_BEGINS.startsWith(text.slice(0, STATUS_LINE_BEGINS.length));
      if (!begins) throw new Error('the upstream does not speak HTTP/1');
      return end;
    }
    this.#held = '';
    this.#takeHead(text);
    return next;
  }

  #readTrailers(bytes: Buffer, at: number, end: number): number {
    // Without trailers, only the empty line that ends them is left.
    const empty = this.#held === '' ? bytes[at] === CR : this.#held === '\r';
    const next = this.#hold(bytes, at, end, empty ? '\r\n' : '\r\n\r\n');
    if (next < 0) return end;
    const text = this.#held;
    this.#held = '';
    if (!empty) this.#trailers = readFieldLines(text, 0);
    this.#place = 'nothing';
    return next;
  }

  /**
   * Keeps the bytes up to `mark`, then without the mark's last line end. Returns where the bytes after the mark begin;
   * negative while it has not arrived.
   */
  #hold(bytes: Buffer, at: number, end: number, mark: string): number {
    const before = this.#held.length;
    const text = this.#held + bytes.toString('latin1', at, Math.min(end, at + this.#fieldsLimit - before));
    const found = text.indexOf(mark, Math.max(0, before - mark.length + 1));
    if (found < 0) {
      if (text.length >= this.#fieldsLimit) {
        if (this.#place === 'trailers') throw new Error('the trailers are too long');
        throw new HeadTooLarge(`the head has more than ${this.#fieldsLimit} bytes`);
      }
      // Only new bytes are checked, with the last old one, which may be a CR.
      refuseIllegal(text.slice(Math.max(0, before - 1)));
      this.#held = text;
      return -1;
    }
    this.#held = text.slice(0, found + 2);
    refuseIllegal(this.#held);
    return at + found + mark.length - before;
  }

  #takeHead(text: string): void {
    const line = STATUS_LINE.exec(text);
    if (!line) throw new Error('the status line is not HTTP/1.0 or HTTP/1.1');
    const status = Number(line[2]);
    const fields = readFieldLines(text, line[0].length);
    if (status < 200) {
      this.#interim += 1;
      if (status === 101) throw new Error('the upstream switches protocols without being asked');
      if (this.#interim > INTERIM_LIMIT) throw new Error('too many interim answers');
    } else {
      this.#frame(status, line[1] === '1', fields);
    }
    this.#parts.head(status, fields);
  }

  /** Where the answer ends (RFC 9112 section 6.3), and whether another may follow it. */
  #frame(status: number, isModern: boolean, fields: readonly string[]): void {
    let length = -1;
    let isChunked = false;
    let idle = isModern ? LONGEST_IDLE : 0;
    for (let i = 0; i < fields.length; i += 2) {
      const value = fields[i + 1]!;
      switch (framingField(fields[i]!)) {
        case 'content-length':
          if (length >= 0) throw new Error('more than one Content-Length');
          length = readLength(value);
          break;
        case 'transfer-encoding':
          if (isChunked || !isModern || value.toLowerCase() !== 'chunked') throw new Error('unknown Transfer-Encoding');
          isChunked = true;
          break;
        case 'connection':
          if (/(?:^|,)[ \t]*close[ \t]*(?:,|$)/i.test(value)) idle = 0;
          break;
        case 'keep-alive': {
          const timeout = /(?:^|[,; \t])timeout[ \t]*=[ \t]*"?(\d+)/i.exec(value);
          if (timeout) idle = Math.max(0, Math.min(idle, Number(timeout[1]) * 1000 - IDLE_MARGIN));
          break;
        }
      }
    }
    if (isChunked && length >= 0) throw new Error('both Content-Length and Transfer-Encoding');

    if (this.#isHead || status === 204 || status === 304) {
      // A body that may not be there could follow all the same, and would be read as the next answer (desync).
      if (!this.#isHead && (length > 0 || isChunked)) idle = 0;
      this.#place = 'nothing';
    } else if (isChunked) {
      this.#place = 'framing of chunks';
    } else if (length >= 0) {
      this.#left = length;
      this.#place = length > 0 ? 'counted body' : 'nothing';
    } else {
      idle = 0;
      this.#place = 'endless body';
    }
    this.#idle = idle;
  }
}

/** The name in lower case if it may concern framing; in most cases its length tells. */
function framingField(name: string): string {
  return name.length === 14 || name.length === 10 || name.length === 17 ? name.toLowerCase() : '';
}

function readLength(value: string): number {
  const length = /^\d{1,15}$/.test(value) ? Number(value) : -1;
  if (length < 0) throw new Error('a Content-Length that is not a number');
  return length;
}
