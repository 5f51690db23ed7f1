import { writeSync } from 'node:fs';
import { open, rename, rm, type FileHandle } from 'node:fs/promises';
import { syncDirectory } from './durable-file.ts';
import { segmentPath } from './segment.ts';

/**
 * Bytes by which a segment grows, written as zeros ahead of the events: a sync is cheaper when the size does not change.
 * A new segment must have that room before it counts as open, since a full disk can still create files.
 */
export const GROWTH = 1024 * 1024;
const ZEROS = Buffer.alloc(GROWTH);

/**
 * The open segment. Until it is finished, its file's size is a multiple of `GROWTH`, even after a kill: so a file that was
 * cut is recognised.
 */
export type SegmentWriter = {
  readonly number: number;
  /** Bytes that count. The next `put` overwrites the bytes after them. */
  readonly size: number;
  /** Puts bytes after those that count, into the page cache. */
  put(bytes: Buffer, length: number): Promise<void>;
  /** Resolves when all bytes that were put are on disk. */
  sync(): Promise<void>;
  /** Counts `length` of the bytes that were put. */
  advance(length: number): void;
  /** Removes the unused zeros and closes the file. */
  finish(): Promise<void>;
  /** Wipes bytes that do not count and closes the file, as far as a failing disk allows. */
  abandon(): Promise<void>;
};

/**
 * Creates a segment that begins with `head`. It appears in the directory with its head on disk.
 * @throws the file system's error, after an attempt to leave no file
 */
export async function createSegment(dir: string, number: number, head: Buffer): Promise<SegmentWriter> {
  const path = segmentPath(dir, number);
  const aside = `${path}.tmp`;
  const handle = await open(aside, 'w', 0o600);
  let size = head.length;
  let allocated = 0;

  async function grow(): Promise<void> {
    // The size first and in one step, see `SegmentWriter`.
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
      // In this thread: a copy into the page cache is cheaper than a hop to another thread.
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
