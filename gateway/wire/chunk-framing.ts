/** Most bytes of the extensions of one chunk. */
const EXTENSION_LIMIT = 1024;
/** Hexadecimal digits of a chunk size that fits a number exactly. */
const SIZE_DIGITS = 13;

const CR = 0x0d;
const LF = 0x0a;
const SEMICOLON = 0x3b;

/** Reads the framing between the chunks of a body, byte by byte (RFC 9112 section 7.1). */
export class ChunkFraming {
  /** What the next byte belongs to. */
  #place: 'size' | 'extension' | 'LF after size' | 'CR after chunk' | 'LF after chunk' = 'size';
  #size = 0;
  #digits = 0;
  #extension = 0;

  /**
   * Returns the size in bytes of the chunk that begins after this byte: 0 for the last, empty one, and negative while
   * none begins. Call it again with the first byte after the chunk.
   * @throws Error when the framing is invalid
   */
  take(byte: number): number {
    switch (this.#place) {
      case 'size': {
        const digit = hexDigit(byte);
        if (digit >= 0) {
          this.#digits += 1;
          if (this.#digits > SIZE_DIGITS) throw new Error('a chunk is too large');
          this.#size = this.#size * 16 + digit;
          return -1;
        }
        if (this.#digits === 0) break;
        if (byte === CR) this.#place = 'LF after size';
        else if (byte === SEMICOLON) this.#place = 'extension';
        else break;
        return -1;
      }
      case 'extension':
        this.#extension += 1;
        if (this.#extension > EXTENSION_LIMIT) throw new Error('the extensions of a chunk are too long');
        if (byte === CR) this.#place = 'LF after size';
        else if (isControl(byte)) break;
        return -1;
      case 'LF after size':
        if (byte !== LF) break;
        return this.#begin();
      case 'CR after chunk':
        if (byte !== CR) break;
        this.#place = 'LF after chunk';
        return -1;
      case 'LF after chunk':
        if (byte !== LF) break;
        this.#place = 'size';
        return -1;
    }
    throw new Error('invalid chunked framing');
  }

  /** The last chunk ends the framing, so the next size belongs to another body. */
  #begin(): number {
    const size = this.#size;
    this.#place = size > 0 ? 'CR after chunk' : 'size';
    this.#size = 0;
    this.#digits = 0;
    this.#extension = 0;
    return size;
  }
}

function hexDigit(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}

function isControl(byte: number): boolean {
  return (byte < 0x20 && byte !== 0x09) || byte === 0x7f;
}
