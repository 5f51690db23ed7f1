import { mkdir, open, stat, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { syncDirectory, writeDurably } from './durable-file.ts';
import { checksum, HEADER_BYTES, listSegments, RECORD_LIMIT, segmentPath } from './segment.ts';

/** Most bytes taken from a segment at a time; at least one record of the largest size fits. */
const CHUNK_BYTES = 4 * 1024 * 1024;

export type Scan = {
  /** Payloads, in order. */
  readonly records: readonly Buffer[];
  /** Offset behind the last of them. */
  readonly end: number;
  /**
   * `more`: there is more to read at `end`. `end`: nothing follows. `broken`: what follows is no whole record. In the
   * last segment that is a write under way; in a sealed one it is damage, see `mendSegment`.
   */
  readonly state: 'more' | 'end' | 'broken';
};

/** Bytes that are no records, taken out of a segment and kept in `damaged/`. */
export type Damage = {
  readonly dir: string;
  readonly segment: number;
  readonly offset: number;
  readonly bytes: number;
  /** `torn`: an unfinished write at the very end, never promised to anyone. `corrupt`: anything else, with what follows it. */
  readonly kind: 'torn' | 'corrupt';
};

/**
 * Reads whole records from `from`: at most `rows` of them and a few megabytes, or with `until` all before that offset.
 * Opens the file for reading only, so it never disturbs the writer.
 */
export async function readRecords(
  path: string,
  from: number,
  { rows = Infinity, until = Infinity }: { rows?: number; until?: number } = {},
): Promise<Scan> {
  const handle = await open(path, 'r');
  try {
    const { size } = await handle.stat();
    const limit = Math.min(size, until);
    if (from >= limit) return { records: [], end: from, state: 'end' };
    // A batch that is read again must come out whole, however large this program thinks a batch should be.
    const wanted = until === Infinity ? Math.min(CHUNK_BYTES, limit - from) : limit - from;
    const { bytesRead, buffer } = await handle.read(Buffer.allocUnsafe(wanted), 0, wanted, from);
    const chunk = buffer.subarray(0, bytesRead);
    const records: Buffer[] = [];
    let at = 0;
    while (records.length < rows) {
      const record = recordAt(chunk, at);
      if (record === null) break;
      records.push(record);
      at += HEADER_BYTES + record.length;
    }
    const end = from + at;
    if (end === limit) return { records, end, state: 'end' };
    return { records, end, state: records.length > 0 ? 'more' : 'broken' };
  } finally {
    await handle.close();
  }
}

/**
 * Cuts whatever is no whole record, and all that follows it, off a sealed segment. Those bytes are kept in `damaged/`
 * and reported: nothing that may have been an event is thrown away or skipped in silence.
 * @returns the damage, or null when the segment is whole from `from` on.
 */
export async function mendSegment(dir: string, segment: number, from = 0): Promise<Damage | null> {
  const path = segmentPath(dir, segment);
  let scan = await readRecords(path, from);
  while (scan.state === 'more') scan = await readRecords(path, scan.end);
  if (scan.state === 'end') return null;
  const rest = withoutZeros(await readRest(path, scan.end));
  if (rest.length === 0) {
    await cut(path, scan.end);
    return null;
  }
  const damage: Damage = {
    dir,
    segment,
    offset: scan.end,
    bytes: rest.length,
    kind: isTorn(rest) ? 'torn' : 'corrupt',
  };
  const aside = join(dir, 'damaged');
  await mkdir(aside, { recursive: true, mode: 0o700 });
  await syncDirectory(dir);
  // Kept first, cut afterwards: a crash in between only repeats both.
  await writeDurably(join(aside, `${String(segment).padStart(10, '0')}-${scan.end}.${damage.kind}`), rest);
  await cut(path, scan.end);
  return damage;
}

async function cut(path: string, size: number): Promise<void> {
  await truncate(path, size);
  const handle = await open(path, 'r+');
  await handle.sync().finally(() => handle.close());
}

/** Without what the writer had prepared for later events. No payload ends in a zero. */
function withoutZeros(bytes: Buffer): Buffer {
  let end = bytes.length;
  while (end > 0 && bytes[end - 1] === 0) end -= 1;
  return bytes.subarray(0, end);
}

/** Bytes of all records in `dir` from `segment` at `offset` on. */
export async function bytesFrom(dir: string, segment: number, offset: number): Promise<number> {
  let bytes = 0;
  const segments = (await listSegments(dir)).filter((number) => number >= segment);
  for (const number of segments) {
    const from = number === segment ? offset : 0;
    const path = segmentPath(dir, number);
    // The size of the last one says nothing: it is prepared for events to come.
    const end = number === segments.at(-1) ? await endOfRecords(path, from) : (await stat(path)).size;
    bytes += Math.max(0, end - from);
  }
  return bytes;
}

async function endOfRecords(path: string, from: number): Promise<number> {
  let scan = await readRecords(path, from);
  while (scan.state === 'more') scan = await readRecords(path, scan.end);
  return scan.end;
}

/** The payload of the whole and undamaged record at `at`, or null. */
function recordAt(bytes: Buffer, at: number): Buffer | null {
  if (bytes.length - at < HEADER_BYTES) return null;
  const length = bytes.readUInt32LE(at);
  // A length of zero is what a file system leaves where a write was lost; its checksum of zero would fit.
  if (length === 0 || length > RECORD_LIMIT || bytes.length - at - HEADER_BYTES < length) return null;
  const payload = bytes.subarray(at + HEADER_BYTES, at + HEADER_BYTES + length);
  return checksum(payload) === bytes.readUInt32LE(at + 4) ? payload : null;
}

/** Whether `rest` is one unfinished write: a record whose end is missing, with no other record behind it. */
function isTorn(rest: Buffer): boolean {
  if (rest.length >= HEADER_BYTES && rest.readUInt32LE(0) <= rest.length - HEADER_BYTES) return false;
  for (let at = 1; at < rest.length; at++) if (recordAt(rest, at) !== null) return false;
  return true;
}

async function readRest(path: string, from: number): Promise<Buffer> {
  const handle = await open(path, 'r');
  try {
    const { size } = await handle.stat();
    const rest = Buffer.alloc(size - from);
    let filled = 0;
    while (filled < rest.length) {
      const { bytesRead } = await handle.read(rest, filled, rest.length - filled, from + filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    return rest.subarray(0, filled);
  } finally {
    await handle.close();
  }
}
