import { readdirSync, statSync, writeSync } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { mkdir, open, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Clock } from '../gateway/domain/clock.ts';
import type { Event } from '../gateway/domain/event.ts';
import type { Journal } from '../gateway/domain/journal.ts';
import { Problem } from '../gateway/domain/problem.ts';
import { syncDirectory } from './durable-file.ts';
import type { Damage } from './journal-reader.ts';
import { mendSegment } from './journal-reader.ts';
import { checksum, HEADER_BYTES, listSegments, RECORD_LIMIT, segmentNumber, segmentPath } from './segment.ts';

export type JournalOptions = {
  /** The journal's own directory: one writer at a time. Created when missing. */
  readonly dir: string;
  /** Most bytes that all segments not yet shipped may take. When they do, events are refused. */
  readonly limit: number;
  /** Bytes after which a segment is sealed. */
  readonly segmentSize?: number;
  /** Milliseconds after its first event at which a segment is sealed. */
  readonly maxAge?: number;
  readonly clock?: Clock;
  /** Told of every failure of the disk, once each, with the number of events that were taken and then lost. */
  readonly onError?: (error: unknown, lostEvents: number) => void;
  /** Told when the end of an earlier opening's last segment had to be cut. */
  readonly onDamage?: (damage: Damage) => void;
};

export type JournalStatus = {
  readonly segment: number;
  /** Bytes in all segments that are still here, as far as known. */
  readonly bytes: number;
  readonly limit: number;
  /** Events are being refused for lack of room. */
  readonly full: boolean;
  /** Why events are being refused when it is not for lack of room. */
  readonly fault: string | null;
  /** Events taken since opening. */
  readonly appended: number;
  /** Events taken and then lost with a failing disk; nobody was told that they were durable. */
  readonly lost: number;
};

const INITIAL_BUFFER = 256 * 1024;
/** Most bytes that may wait for a slow disk. */
const WAITING_LIMIT = 32 * 1024 * 1024;
/** From here on a commit starts although nobody waits for it. */
const EAGER_BYTES = 64 * 1024;
/** Milliseconds that events may lie in memory when nobody waits for them. */
const LAZY_DELAY = 20;
/** Milliseconds between looks at the directory while it is full, and between tries to write again after a failure. */
const MEASURE_INTERVAL = 100;
const REOPEN_INTERVAL = 250;
/**
 * Bytes by which a segment grows, written as zeros ahead of the events: a sync that need not record a new size costs
 * half. Also what a new segment must be able to take before it counts as open, as a full disk can still create files.
 */
const ZEROS = Buffer.alloc(1024 * 1024);

type Segment = { readonly number: number; readonly handle: FileHandle; size: number; allocated: number };

/** Events that reach the disk together, and those who wait for it. */
type Group = { events: number; waiting: PromiseWithResolvers<void> | null };

/**
 * Opens the journal in `dir` and starts a new segment; the end that an earlier opening's last segment may have torn is
 * cut. One write with its fdatasync is in flight at a time; what arrives meanwhile forms the next group.
 * @throws the file system's error when no segment can be opened.
 */
export async function openJournal(options: JournalOptions): Promise<Journal & { status(): JournalStatus }> {
  const { dir, limit, segmentSize = 64 * 1024 * 1024, maxAge = 60_000, clock = Date.now } = options;
  const onError = options.onError ?? (() => {});
  await mkdir(dir, { recursive: true, mode: 0o700 });
  await syncDirectory(dirname(dir));
  const earlier = await listSegments(dir);
  // Numbers are never reused, since tokens of shipped batches name them: the last segment is never deleted.
  let lastNumber = earlier.at(-1) ?? 0;
  if (lastNumber > 0) {
    const damage = await mendSegment(dir, lastNumber);
    if (damage) options.onDamage?.(damage);
  }
  let segment: Segment | null = await openSegment();

  let active = Buffer.allocUnsafe(INITIAL_BUFFER);
  let spare = Buffer.allocUnsafe(INITIAL_BUFFER);
  let used = 0;
  let group: Group = { events: 0, waiting: null };
  let inFlight: Group | null = null;
  let inFlightBytes = 0;
  /** Bytes in all segments, with the group in flight. */
  let stored = 0;
  for (const number of earlier) stored += (await stat(segmentPath(dir, number))).size;
  let measuredAt = -Infinity;
  let full = false;
  let sealWanted = false;
  let fault: unknown = null;
  let closing: Promise<void> | null = null;
  let running: Promise<void> | null = null;
  let immediate: NodeJS.Immediate | null = null;
  let lazy: NodeJS.Timeout | null = null;
  let aging: NodeJS.Timeout | null = null;
  let reopening: NodeJS.Timeout | null = null;
  let appended = 0;
  let lost = 0;

  async function openSegment(): Promise<Segment> {
    lastNumber += 1;
    const number = lastNumber;
    const path = segmentPath(dir, number);
    const handle = await open(path, 'wx', 0o600);
    try {
      await writeZeros(handle, 0);
      await handle.sync();
      await syncDirectory(dir);
    } catch (error) {
      await handle.close().catch(() => {});
      await rm(path, { force: true }).catch(() => {});
      throw error;
    }
    return { number, handle, size: 0, allocated: ZEROS.length };
  }

  async function writeZeros(handle: FileHandle, from: number): Promise<void> {
    for (let written = 0; written < ZEROS.length;) {
      written += (await handle.write(ZEROS, written, ZEROS.length - written, from + written)).bytesWritten;
    }
  }

  function append(event: Event): void {
    if (closing !== null) throw new Problem('journal-unavailable', { cause: new Error('The journal is closed') });
    if (fault !== null) throw new Problem('journal-unavailable', { cause: fault });
    const line = JSON.stringify(event);
    // UTF-8 takes at most three bytes for a UTF-16 unit.
    const room = used + HEADER_BYTES + line.length * 3;
    if (room > active.length) grow(room);
    const start = used + HEADER_BYTES;
    const length = active.write(line, start);
    if (length > RECORD_LIMIT) throw new Problem('journal-unavailable', { cause: new Error('The event is too large') });
    if (stored + start + length > limit && !hasRoom(start + length)) {
      throw new Problem('journal-unavailable', { cause: new Error('The journal is full') });
    }
    active.writeUInt32LE(length, used);
    active.writeUInt32LE(checksum(active.subarray(start, start + length)), used + 4);
    used = start + length;
    full = false;
    group.events += 1;
    appended += 1;
    if (used >= EAGER_BYTES) wake();
    else if (running === null && lazy === null) lazy = setTimeout(wake, LAZY_DELAY);
  }

  function grow(room: number): void {
    if (room > WAITING_LIMIT) {
      throw new Problem('journal-unavailable', { cause: new Error('The disk is too slow for the events that wait') });
    }
    const larger = Buffer.allocUnsafe(Math.max(room, active.length * 2));
    active.copy(larger, 0, 0, used);
    active = larger;
  }

  /** Looks whether shipped segments were deleted. */
  function hasRoom(needed: number): boolean {
    if (clock() - measuredAt >= MEASURE_INTERVAL) {
      measuredAt = clock();
      stored = inFlightBytes + (segment?.size ?? 0) + sealedBytes();
    }
    full = stored + needed > limit;
    // Only sealed segments can be deleted, so a full journal would otherwise stay full.
    if (full && segment !== null && segment.size + inFlightBytes > 0) {
      sealWanted = true;
      wake();
    }
    return !full;
  }

  function sealedBytes(): number {
    let bytes = 0;
    for (const name of readdirSync(dir)) {
      const number = segmentNumber(name);
      if (number === null || number === segment?.number) continue;
      bytes += statSync(segmentPath(dir, number), { throwIfNoEntry: false })?.size ?? 0;
    }
    return bytes;
  }

  /** Starts a commit after the events of this turn of the loop, so that they share it. */
  function wake(): void {
    if (running === null) immediate ??= setImmediate(run);
  }

  function run(): void {
    immediate = null;
    if (lazy !== null) clearTimeout(lazy);
    lazy = null;
    if (running !== null) return;
    running = commitAll().finally(() => {
      running = null;
      if (group.waiting !== null) wake();
      else if (used > 0) lazy ??= setTimeout(wake, LAZY_DELAY);
    });
  }

  async function commitAll(): Promise<void> {
    do {
      try {
        await commit();
      } catch (error) {
        await abandon(error);
        return;
      }
    } while (used > 0 && (group.waiting !== null || used >= EAGER_BYTES));
  }

  async function commit(): Promise<void> {
    const bytes = active;
    const length = used;
    const current = group;
    active = spare;
    spare = bytes;
    used = 0;
    group = { events: 0, waiting: null };
    inFlight = current;
    inFlightBytes = length;
    stored += length;
    if (segment !== null && segment.size > 0 && (sealWanted || segment.size + length > segmentSize)) await seal();
    segment ??= await openSegment();
    if (length > 0) {
      while (segment.size + length > segment.allocated) {
        await writeZeros(segment.handle, segment.allocated);
        segment.allocated += ZEROS.length;
      }
      // Into the page cache at once, in this thread: a copy, where a hop to another thread would cost several.
      for (let written = 0; written < length;) {
        written += writeSync(segment.handle.fd, bytes, written, length - written, segment.size + written);
      }
      await segment.handle.datasync();
      segment.size += length;
      aging ??= setTimeout(age, maxAge).unref();
    }
    inFlight = null;
    inFlightBytes = 0;
    current.waiting?.resolve();
  }

  function age(): void {
    sealWanted = true;
    wake();
  }

  /** Ends the open segment. Its successor is what tells readers that nothing more will come. */
  async function seal(): Promise<void> {
    const ended = segment;
    segment = await openSegment();
    sealWanted = false;
    if (aging !== null) clearTimeout(aging);
    aging = null;
    if (ended !== null) await finishSegment(ended);
  }

  /** Takes back the zeros that no event came to fill. */
  async function finishSegment({ handle, size }: Segment): Promise<void> {
    await handle.truncate(size);
    await handle.close();
  }

  /**
   * After a failed write or sync nothing is known about the pages that it concerned, so the segment is never written
   * again. Everything not yet durable is given up: whoever waits for it is told so and its calls do not happen.
   */
  async function abandon(cause: unknown): Promise<void> {
    fault = cause;
    const problem = new Problem('journal-unavailable', { cause });
    const losing = (inFlight?.events ?? 0) + group.events;
    inFlight?.waiting?.reject(problem);
    group.waiting?.reject(problem);
    lost += losing;
    stored -= inFlightBytes;
    inFlight = null;
    inFlightBytes = 0;
    group = { events: 0, waiting: null };
    used = 0;
    const failed = segment;
    segment = null;
    onError(cause, losing);
    if (failed !== null) {
      // The next reader would set a torn rest aside; this spares it that where the disk still allows.
      await failed.handle.truncate(failed.size).catch(() => {});
      await failed.handle.close().catch(() => {});
    }
    reopenLater();
  }

  function reopenLater(): void {
    reopening = setTimeout(() => (running = reopen()), REOPEN_INTERVAL).unref();
  }

  async function reopen(): Promise<void> {
    try {
      segment = await openSegment();
      fault = null;
    } catch (error) {
      fault = error;
      if (closing === null) reopenLater();
    }
    running = null;
  }

  function flushed(): Promise<void> {
    if (fault !== null) return Promise.reject(new Problem('journal-unavailable', { cause: fault }));
    const covering = used > 0 ? group : inFlight;
    if (covering === null) return Promise.resolve();
    if (covering.waiting === null) {
      covering.waiting = Promise.withResolvers<void>();
      covering.waiting.promise.catch(() => {});
    }
    wake();
    return covering.waiting.promise;
  }

  async function finish(): Promise<void> {
    await running;
    await flushed().catch(() => {});
    await running;
    if (lazy !== null) clearTimeout(lazy);
    if (aging !== null) clearTimeout(aging);
    if (reopening !== null) clearTimeout(reopening);
    // A segment that holds events is sealed, so that it can be shipped and deleted while nothing runs here.
    if (fault === null && segment !== null && segment.size > 0) await seal().catch((error) => onError(error, 0));
    if (segment !== null) await finishSegment(segment).catch((error) => onError(error, 0));
    segment = null;
  }

  return {
    append,
    flushed,
    close: () => (closing ??= finish()),
    status: () => ({
      segment: lastNumber,
      bytes: stored + used,
      limit,
      full,
      fault: fault === null ? null : fault instanceof Error ? fault.message : 'The disk failed',
      appended,
      lost,
    }),
  };
}
