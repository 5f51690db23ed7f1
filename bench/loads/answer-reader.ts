export type Answer = {
  readonly status: number;
  /** Whether another call may go over the same connection. */
  readonly reusable: boolean;
};

/** Reads one answer from the pieces in which it arrives. */
export type AnswerReader = {
  /**
   * Takes the next piece, which may be overwritten afterwards. Gives the answer once its last byte is there.
   * @throws Error when it is not HTTP/1.x
   */
  read(piece: Buffer): Answer | null;
  /** The connection has ended. Returns the answer that this completes (RFC 9112 §6.3), or null if one was cut off. */
  end(): Answer | null;
};

/** Reads pieces of a body; true when it is complete. */
type Body = (piece: Buffer) => boolean;

const NOTHING = Buffer.alloc(0);

/** @param method an answer to HEAD has no body, whatever length it speaks of */
export function createAnswerReader(method: string): AnswerReader {
  let head = NOTHING;
  let answer: Answer | null = null;
  let body: Body | null = null;
  let endless = false;

  function read(piece: Buffer): Answer | null {
    if (body !== null) return body(piece) ? answer : null;
    const bytes = head.length === 0 ? piece : Buffer.concat([head, piece]);
    const end = bytes.indexOf('\r\n\r\n');
    if (end < 0) {
      head = Buffer.from(bytes);
      return null;
    }
    head = NOTHING;
    const text = bytes.toString('latin1', 0, end);
    const status = Number(/^HTTP\/1\.[01] (\d{3})/.exec(text)?.[1]);
    if (Number.isNaN(status)) throw new Error(`this is not an answer: ${text.slice(0, 40)}`);
    const rest = bytes.subarray(end + 4);
    // An interim answer: the real one follows.
    if (status < 200) return read(rest);
    const bounded = bodyOf(method, status, text);
    endless = bounded === null;
    answer = { status, reusable: !endless && !/\r\nconnection:[^\r]*close/i.test(text) };
    body = bounded ?? (() => false);
    return body(rest) ? answer : null;
  }

  return { read, end: () => (endless ? answer : null) };
}

/** The length after a head; null if the body lasts as long as the connection. */
function bodyOf(method: string, status: number, head: string): Body | null {
  if (method === 'HEAD' || status === 204 || status === 304) return () => true;
  if (/\r\ntransfer-encoding:[^\r]*chunked/i.test(head)) return createChunks();
  const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
  if (length === undefined) return null;
  let left = Number(length);
  return (piece) => {
    left -= piece.length;
    return left <= 0;
  };
}

/** RFC 9112 §7.1: chunks, each after a line with its size, then one of size 0 and trailers up to an empty line. */
function createChunks(): Body {
  let [line, left, trailers] = ['', 0, false];
  return (piece) => {
    let at = 0;
    while (at < piece.length) {
      if (left > 0) {
        const taken = Math.min(left, piece.length - at);
        left -= taken;
        at += taken;
        continue;
      }
      const end = piece.indexOf('\n', at);
      line += piece.toString('latin1', at, end < 0 ? piece.length : end);
      if (end < 0) return false;
      at = end + 1;
      const text = line.trim();
      line = '';
      if (trailers && text === '') return true;
      if (trailers) continue;
      const size = Number.parseInt(text, 16);
      if (Number.isNaN(size)) throw new Error(`this is not the size of a chunk: ${text.slice(0, 40)}`);
      trailers = size === 0;
      // With the line end after it.
      if (!trailers) left = size + 2;
    }
    return false;
  };
}
