import { open, type FileHandle } from 'node:fs/promises';
import { HEADER_BYTES, frameAt, nextMagic, type Frame } from './frame.ts';

/** Bytes read from a segment at a time. No frame is larger, see `FRAME_LIMIT`. */
const CHUNK_BYTES = 4 * 1024 * 1024;

/** A frame and its place. */
export type Placed = Frame & { readonly at: number; readonly end: number };

/** Bytes that are no whole frame, up to the next one or to the end of the requested range. */
export type Hole = { readonly kind: 'hole'; readonly at: number; readonly end: number };

/** The chain, and the number of its next event. */
export type Expected = { readonly chain: string; readonly next: number };

/**
 * The frames of one segment from `from` on, and the holes between and after them. A frame counts as whole when its checksum
 * matches, and it continues the chain: from `expected` at first, then from the frame before. A segment may begin another
 * chain. Opens the file for reading only, so it never disturbs the writer.
 */
export async function* framesOf(
  path: string,
  { from = 0, until = Infinity, expected = null }: { from?: number; until?: number; expected?: Expected | null } = {},
): AsyncGenerator<Placed | Hole, void> {
  const handle = await open(path, 'r');
  try {
    const { size } = await handle.stat();
    const window = createWindow(handle, Math.min(size, until));
    let at = from;
    let known = expected;
    const fits = (frame: Frame) =>
      known === null || (frame.chain === known.chain ? frame.first >= known.next : from === 0 && known === expected);

    while (at < window.limit) {
      let frame = await window.frame(at);
      if (frame === null || !fits(frame)) {
        const start = at;
        do {
          at = await window.magic(at + 1);
          frame = at < window.limit ? await window.frame(at) : null;
        } while (at < window.limit && (frame === null || !fits(frame)));
        yield { kind: 'hole', at: start, end: at };
        if (frame === null) return;
      }
      const end = at + HEADER_BYTES + frame.payload.length;
      known = { chain: frame.chain, next: frame.first + frame.events };
      yield { ...frame, at, end };
      at = end;
    }
  } finally {
    await handle.close();
  }
}

/** A part of the file in memory that follows the reader. */
function createWindow(handle: FileHandle, limit: number) {
  let bytes = Buffer.alloc(0);
  let base = 0;

  async function fill(from: number): Promise<void> {
    const wanted = Math.min(CHUNK_BYTES, limit - from);
    const read = await handle.read(Buffer.allocUnsafe(wanted), 0, wanted, from);
    bytes = read.buffer.subarray(0, read.bytesRead);
    base = from;
  }

  return {
    limit,
    async frame(at: number): Promise<Frame | null> {
      if (at < base || at >= base + bytes.length) await fill(at);
      let frame = frameAt(bytes, at - base);
      if (frame === 'short' && at > base && base + bytes.length < limit) {
        await fill(at);
        frame = frameAt(bytes, 0);
      }
      return frame === 'short' ? null : frame;
    },
    /** Where the next frame may begin, from `at` on; `limit` if nowhere. */
    async magic(at: number): Promise<number> {
      let from = at;
      while (from < limit) {
        if (from < base || from >= base + bytes.length) await fill(from);
        if (bytes.length === 0) return limit;
        const found = nextMagic(bytes, from - base);
        if (found >= 0) return base + found;
        if (base + bytes.length >= limit) return limit;
        // A magic may cross the end of the part in memory.
        from = Math.max(from + 1, base + bytes.length - 3);
        await fill(from);
      }
      return limit;
    },
  };
}

/** The bytes of a hole without the writer's zeros at its end. */
export async function readHole(path: string, { at, end }: Hole): Promise<Buffer> {
  const handle = await open(path, 'r');
  try {
    const bytes = Buffer.alloc(end - at);
    const { bytesRead } = await handle.read(bytes, 0, bytes.length, at);
    let length = bytesRead;
    while (length > 0 && bytes[length - 1] === 0) length -= 1;
    return bytes.subarray(0, length);
  } finally {
    await handle.close();
  }
}
