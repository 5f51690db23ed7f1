import { isId } from './message.ts';

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_ARRAY = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_ARRAY = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

/** Bytes of a name or value at the top of a message that are kept. */
const LONGEST = 1024;

/**
 * Finds the id and the method of one message in its JSON text, piece by piece, and keeps nothing else. Only a refusal may
 * depend on it: the text is not checked.
 */
export class EnvelopeScanner {
  readonly #found = new Map<string, string>();
  #depth = 0;
  #inString = false;
  #isEscaped = false;
  #ended = false;
  /** The name, and what has come of the name or value, of a member at the top. */
  #name = '';
  #token: number[] = [];

  push(piece: Buffer): void {
    for (const byte of piece) {
      if (this.#inString) this.#scanString(byte);
      else this.#scan(byte);
    }
  }

  /** The id, as written, of a request that came as a whole; null if it is none, or has none. */
  get id(): string | null {
    const id = this.#found.get('"id"') ?? null;
    return this.#ended && this.method !== '' && isId(id) && parse(id) !== null ? id : null;
  }

  /** Empty if there is none. */
  get method(): string {
    const method = parse(this.#found.get('"method"') ?? 'null');
    return typeof method === 'string' ? method : '';
  }

  #scanString(byte: number): void {
    this.#keep(byte);
    if (this.#isEscaped) this.#isEscaped = false;
    else if (byte === BACKSLASH) this.#isEscaped = true;
    else if (byte === QUOTE) this.#inString = false;
  }

  #scan(byte: number): void {
    switch (byte) {
      case OPEN_OBJECT:
      case OPEN_ARRAY:
        // A batch, or something before or after the message.
        if (this.#depth === 0 && (byte === OPEN_ARRAY || this.#ended || this.#token.length > 0)) this.#fail();
        if (this.#depth > 0) this.#keep(byte);
        this.#depth += 1;
        break;
      case CLOSE_OBJECT:
      case CLOSE_ARRAY:
        this.#depth -= 1;
        if (this.#depth === 0) this.#settle();
        this.#ended ||= this.#depth === 0;
        break;
      case COMMA:
        if (this.#depth === 1) this.#settle();
        break;
      case COLON:
        if (this.#depth === 1) this.#name = this.#take();
        break;
      default:
        this.#inString = byte === QUOTE;
        if (byte > 0x20) this.#keep(byte);
    }
  }

  /** Of what is deeper, nothing is kept. */
  #keep(byte: number): void {
    if (this.#depth <= 1 && this.#token.length < LONGEST) this.#token.push(byte);
  }

  #settle(): void {
    this.#found.set(this.#name, this.#take());
  }

  #take(): string {
    const text = Buffer.from(this.#token).toString('utf8');
    this.#token = [];
    return text;
  }

  #fail(): void {
    this.#depth = Infinity;
    this.#ended = false;
  }
}

function parse(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return null;
  }
}
