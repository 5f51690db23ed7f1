import { writeSync } from 'node:fs';
import { open, rename, rm, type FileHandle } from 'node:fs/promises';
import { syncDirectory } from './durable-file.ts';
import { segmentPath } from './segment.ts';

/**
 * Bytes by which a segment grows, written as zeros ahead of the events: a sync that need not record a new size costs
 * half. Also what a new segment must be able to take before it counts as open, as a full disk can still create files.
 */
export const GROWTH = 1024 * 1024;
const ZEROS = Buffer.alloc(GROWTH);

/**
 * A segment that is being written. Its file's size is always a whole number of `GROWTH`, whatever it is killed in, until
 * it is finished: so a file that was cut is known for one.
 */
export type SegmentWriter = {
  readonly number: number;
  /** Bytes that count. What stands behind them is overwritten by the next `put`. */
  readonly size: number;
  /** Puts bytes behind those that count, into the page cache. */
  put(bytes: Buffer, length: number): Promise<void>;
  /** Resolves when all that was put is on disk. */
  sync(): Promise<void>;
  /** So many bytes that were put count from now on. */
  advance(length: number): void;
  /** Takes back the room that no event came to fill, and closes the file. */
  finish(): Promise<void>;
  /** Wipes what was put and does not count, and closes the file, as well as a failing disk allows. */
  abandon(): Promise<void>;
};

/**
 * Creates a segment that begins with `head`. It appears in the directory with all of that, on disk.
 * @throws the file system's error, with nothing left behind where that can be had
 */
export async function createSegment(dir: string, number: number, head: Buffer): Promise<SegmentWriter> {
  const path = segmentPath(dir, number);
  const aside = `${path}.tmp`;
  const handle = await open(aside, 'w', 0o600);
  let size = head.length;
  let allocated = 0;

  async function grow(): Promise<void> {
    // The size first and in one step, see above.
    await handle.truncate(allocated + GROWTH);
    await writeWhole(handle, ZEROS, allocated);
    allocated += GROWTH;
  }

  try {
    await grow();
    await writeWhole(handle, head, 0);
    await handle.sync();
    await rename(aside, path);
    await syncDirectory(dir);
  } catch (error) {
    await handle.close().catch(() => {});
    await rm(aside, { force: true }).catch(() => {});
    throw error;
  }

  return {
    number,
    get size() {
      return size;
    },
    async put(bytes, length) {
      while (size + length > allocated) await grow();
      // In this thread: a copy, where a hop to another thread would cost several.
      for (let written = 0; written < length;) {
        written += writeSync(handle.fd, bytes, written, length - written, size + written);
      }
    },
    sync: () => handle.datasync(),
    advance(length) {
      size += length;
    },
    async finish() {
      await handle.truncate(size);
      await handle.close();
    },
    async abandon() {
      await handle.truncate(size).catch(() => {});
      await handle.truncate(allocated).catch(() => {});
      await handle.close().catch(() => {});
    },
  };
}

async function writeWhole(handle: FileHandle, bytes: Buffer, at: number): Promise<void> {
  for (let written = 0; written < bytes.length;) {
    written += (await handle.write(bytes, written, bytes.length - written, at + written)).bytesWritten;
  }
}
