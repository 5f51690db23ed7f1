import { randomUUID } from 'node:crypto';
import { readdirSync, statSync } from 'node:fs';
import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { isSafe } from '../../gateway/domain/call.ts';
import type { Clock } from '../../gateway/domain/clock.ts';
import { eventLine } from './event-line.ts';
import type { Event } from '../../gateway/domain/event.ts';
import { createId } from '../../gateway/domain/id.ts';
import type { Journal } from '../../gateway/domain/journal.ts';
import { Problem } from '../../gateway/domain/problem.ts';
import { syncDirectory } from './durable-file.ts';
import { encodeFrame, FRAME_BYTES, HEADER_BYTES, LINE_LIMIT, sealFrame, type FrameKind } from './frame.ts';
import { readJournalEnd, trimSegment } from './journal-end.ts';
import { checkpoint, headOf, START, type Checkpoint, type Signer } from '../ledger/ledger.ts';
import { SegmentDigest } from '../ledger/segment-digest.ts';
import { createSegment, type SegmentWriter } from './segment-writer.ts';
import { listSegments, segmentNumber, segmentPath } from './segment.ts';

/** What happens to calls while there is no room for their record: see `JournalOptions.whenFull`. */
export type WhenFull = 'refuse' | 'drop-reads';

export type JournalOptions = {
  /** The journal's own directory: one writer at a time. Created when missing. */
  readonly dir: string;
  /** The gateway's name, for checkpoints. */
  readonly node: string;
  /** Signs checkpoints. */
  readonly signer: Signer;
  /** Most bytes that all segments not yet shipped may take. */
  readonly limit: number;
  /**
   * `refuse`: without room, on the disk or below the limit, no event is taken. `drop-reads`: events of allowed calls with
   * a safe method are then counted instead, and one `journal.shed` says how many once there is room again.
   */
  readonly whenFull?: WhenFull;
  /** Bytes after which a segment is sealed. */
  readonly segmentSize?: number;
  /** Milliseconds after its first event at which a segment is sealed, and so signed for. */
  readonly maxAge?: number;
  readonly clock?: Clock;
  /** Told of every failure of the disk, once each, with the number of events that were taken and then lost. */
  readonly onError?: (error: unknown, lostEvents: number) => void;
};

export type JournalStatus = {
  readonly segment: number;
  /** Bytes in all segments that are still here, as far as known. */
  readonly bytes: number;
  readonly limit: number;
  /** Events are being refused or shed for lack of room below the limit. */
  readonly full: boolean;
  /** Why events are being refused when it is not for the limit. */
  readonly fault: string | null;
  /** Events taken since opening. */
  readonly appended: number;
  /** Events taken and then lost with a failing disk; nobody was told that they were durable. */
  readonly lost: number;
  /** Events of allowed reads that were not taken since opening, for lack of room. */
  readonly shed: number;
};

const NEWLINE = 0x0a;
const INITIAL_BUFFER = 256 * 1024;
/** Most bytes that may wait for a slow disk. */
const WAITING_LIMIT = 32 * 1024 * 1024;
/** Bytes below the limit that are kept for the checkpoint of what is in the journal when it is full. */
const HEAD_ROOM = 2048;
/** From here on a commit starts although nobody waits for it. */
const EAGER_BYTES = 64 * 1024;
/** Milliseconds that events may lie in memory when nobody waits for them. */
const LAZY_DELAY = 20;
/** Milliseconds between looks at the directory while it is full, and between tries to write again after a failure. */
const MEASURE_INTERVAL = 100;
const REOPEN_INTERVAL = 250;

/** Where a frame of events stands in the buffer. */
type Extent = { readonly at: number; end: number; events: number };

/** Events that reach the disk together, and those who wait for it. */
type Group = { events: number; readonly frames: Extent[]; waiting: PromiseWithResolvers<void> | null };

const emptyGroup = (): Group => ({ events: 0, frames: [], waiting: null });

/**
 * Opens the journal in `dir`, and goes on with its chain in a new segment. One write with its fdatasync is in flight at a
 * time; what arrives meanwhile forms the next group.
 *
 * A number is given to an event only when it goes to disk. What a failing disk did not take has had no number, and a
 * segment begins with the last one that is certain: readers give nothing of the failed segment beyond it.
 * @throws the file system's error when no segment can be opened.
 */
export async function openJournal(options: JournalOptions): Promise<Journal & { status(): JournalStatus }> {
  const { dir, node, signer, limit, whenFull = 'refuse', segmentSize = 64 * 1024 * 1024, maxAge = 60_000 } = options;
  const { clock = Date.now, onError = () => {} } = options;
  await mkdir(dir, { recursive: true, mode: 0o700 });
  await syncDirectory(dirname(dir));
  const earlier = await listSegments(dir);
  // Numbers of segments are never reused, since positions name them: the last segment is never deleted.
  let lastNumber = earlier.at(-1) ?? 0;
  const end = lastNumber === 0 ? null : await readJournalEnd(segmentPath(dir, lastNumber));
  const chain = end?.chain ?? randomUUID();
  /** What is on disk since the last checkpoint. */
  let digest = end?.digest ?? new SegmentDigest(START);
  /** The checkpoint that the next segment begins with; made once, however often it takes to write it. */
  let signed: Checkpoint | null = null;

  let active = Buffer.allocUnsafe(INITIAL_BUFFER);
  let spare = Buffer.allocUnsafe(INITIAL_BUFFER);
  let used = 0;
  let group = emptyGroup();
  let inFlight: Group | null = null;
  let inFlightBytes = 0;
  /** Bytes in all segments, with the group in flight. */
  let stored = 0;
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
  let noting: NodeJS.Timeout | null = null;
  let appended = 0;
  let lost = 0;
  let shed = 0;
  /** Of those shed, how many no event tells of yet. */
  let untold = 0;

  for (const name of await readdir(dir)) if (name.endsWith('.journal.tmp')) await rm(join(dir, name), { force: true });
  let segment: SegmentWriter | null = await openSegment();
  if (earlier.length > 0) await unlessDeleted(trimSegment(segmentPath(dir, earlier.at(-1)!)));
  for (const number of earlier) stored += (await unlessDeleted(stat(segmentPath(dir, number))))?.size ?? 0;

  function frame(kind: FrameKind, payload: string, synced: number): Buffer {
    return encodeFrame({ kind, chain, first: digest.seq + 1, events: 0, synced }, payload);
  }

  /** Begins a segment: with the checkpoint of all before it, where there was something since the last. */
  async function openSegment(): Promise<SegmentWriter> {
    if (!digest.empty) {
      signed = checkpoint({ chain, node, at: clock() }, digest.summary(), signer);
      digest = new SegmentDigest(headOf(signed));
    }
    lastNumber += 1;
    const head = [frame('head', JSON.stringify({ chain, ...digest.head }), 0)];
    if (signed !== null) head.push(frame('checkpoint', JSON.stringify(signed), 0));
    const opened = await createSegment(dir, lastNumber, Buffer.concat(head));
    signed = null;
    stored += opened.size;
    try {
      await mark(opened);
    } catch (error) {
      await opened.abandon();
      throw error;
    }
    return opened;
  }

  /**
   * Says that all before is on disk, in the page cache: when a reader sees it, it is so. Costs a copy, and comes only where
   * no other events follow at once, whose frames say the same.
   */
  async function mark(target: SegmentWriter, kind: 'mark' | 'end' = 'mark'): Promise<void> {
    const bytes = frame(kind, '', target.size);
    await target.put(bytes, bytes.length);
    target.advance(bytes.length);
    stored += bytes.length;
  }

  function appendLine(line: string, read: boolean): void {
    if (closing !== null) throw new Problem('journal-unavailable', { cause: new Error('The journal is closed') });
    if (untold > 0) tell();
    take(line, read);
  }

  function take(line: string, read: boolean): void {
    if (fault !== null) return refuse(read, fault, isFull(fault));
    const opened = group.frames.at(-1);
    const current = opened !== undefined && opened.end - opened.at < FRAME_BYTES ? opened : null;
    const start = current === null ? used + HEADER_BYTES : used;
    // UTF-8 takes at most three bytes for a UTF-16 unit; and the newline.
    const room = start + line.length * 3 + 1;
    if (room > active.length) grow(room);
    const length = active.write(line, start) + 1;
    if (length > LINE_LIMIT) throw new Problem('journal-unavailable', { cause: new Error('The event is too large') });
    const end = start + length;
    // At the close nothing is left to take but how much was shed.
    if (closing === null && stored + end + HEAD_ROOM > limit && !hasRoom(end + HEAD_ROOM))
      return refuse(read, new Error('The journal is full'), true);
    active[end - 1] = NEWLINE;
    if (current === null) {
      group.frames.push({ at: used, end, events: 1 });
    } else {
      current.end = end;
      current.events += 1;
    }
    used = end;
    full = false;
    group.events += 1;
    appended += 1;
    if (used >= EAGER_BYTES) wake();
    else if (running === null && lazy === null) lazy = setTimeout(wake, LAZY_DELAY);
  }

  /** @throws Problem, unless the event may be shed */
  function refuse(read: boolean, cause: unknown, forRoom: boolean): void {
    if (!forRoom || whenFull === 'refuse' || !read) throw new Problem('journal-unavailable', { cause });
    shed += 1;
    untold += 1;
    noting ??= setInterval(tell, MEASURE_INTERVAL).unref();
  }

  /** Puts on record how many events were shed; tried again later where there is no room for that either. */
  function tell(): void {
    const count = untold;
    if (count === 0 || fault !== null) return;
    try {
      const event: Event = {
        event_id: createId('evt'),
        at: clock(),
        node,
        type: 'journal.shed',
        layer: 'record',
        reason: `${count} events of allowed reads were not recorded, as there was no room`,
        failure: 'gateway-failed',
        actor: 'gateway',
        actor_kind: 'gateway',
      };
      take(eventLine(event), false);
    } catch {
      return;
    }
    untold -= count;
    if (noting !== null) clearInterval(noting);
    noting = null;
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
    // Not by the clock, which may be put back for hours.
    if (performance.now() - measuredAt >= MEASURE_INTERVAL) {
      measuredAt = performance.now();
      stored = inFlightBytes + (segment?.size ?? 0) + sealedBytes();
    }
    full = stored + needed > limit;
    // Only sealed segments can be deleted, so a full journal would otherwise stay full.
    if (full && segment !== null && (!digest.empty || inFlightBytes > 0)) {
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
    try {
      do await commit();
      while (used > 0 && (group.waiting !== null || used >= EAGER_BYTES));
      if (segment !== null && !digest.empty) await mark(segment);
    } catch (error) {
      await abandon(error);
    }
  }

  async function commit(): Promise<void> {
    const bytes = active;
    const length = used;
    const current = group;
    active = spare;
    spare = bytes;
    used = 0;
    group = emptyGroup();
    inFlight = current;
    inFlightBytes = length;
    stored += length;
    if (segment !== null && !digest.empty && (sealWanted || segment.size + length > segmentSize)) await seal();
    segment ??= await openSegment();
    if (length > 0) {
      let first = digest.seq + 1;
      for (const { at, end, events } of current.frames) {
        sealFrame(bytes, at, end, { kind: 'events', chain, first, events, synced: segment.size });
        first += events;
      }
      await segment.put(bytes, length);
      const synced = segment.sync();
      // While the disk works.
      const longer = digest.copy();
      for (const { at, end, events } of current.frames) longer.add(bytes.subarray(at + HEADER_BYTES, end), events);
      await synced;
      digest = longer;
      segment.advance(length);
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
    await ended?.finish();
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
    group = emptyGroup();
    used = 0;
    const failed = segment;
    segment = null;
    // Were it sealed by its age while another is being opened, there would be two, and readers believe the later one.
    if (aging !== null) clearTimeout(aging);
    aging = null;
    onError(cause, losing);
    await failed?.abandon();
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
    tell();
    await flushed().catch(() => {});
    await running;
    if (lazy !== null) clearTimeout(lazy);
    if (aging !== null) clearTimeout(aging);
    if (reopening !== null) clearTimeout(reopening);
    if (noting !== null) clearInterval(noting);
    if (fault !== null || segment === null) return;
    try {
      // A segment that holds events is sealed, so that it is signed for, and can be shipped and deleted while nothing
      // runs here.
      if (!digest.empty) await seal();
      await mark(segment, 'end');
      await segment.sync();
      await segment.finish();
    } catch (error) {
      onError(error, 0);
    }
    segment = null;
  }

  return {
    append: (event) => appendLine(eventLine(event), isAllowedRead(event)),
    appendLine,
    flushed,
    close: () => (closing ??= finish()),
    status: () => ({
      segment: segment?.number ?? lastNumber,
      bytes: stored + used,
      limit,
      full,
      fault: fault === null ? null : fault instanceof Error ? fault.message : 'The disk failed',
      appended,
      lost,
      shed,
    }),
  };
}

/** Whether a disk failed for lack of room alone. */
function isFull(fault: unknown): boolean {
  const { code } = fault as NodeJS.ErrnoException;
  return code === 'ENOSPC' || code === 'EDQUOT';
}

/** What may go unrecorded where the configuration says so: nothing was changed, and policy had no objection. */
function isAllowedRead({ type, verdict, method }: Event): boolean {
  return (
    (type === 'call.decided' || type === 'call.completed') &&
    verdict === 'allow' &&
    method !== undefined &&
    isSafe(method)
  );
}

/** Segments that an earlier opening left may be delivered and deleted at any moment. */
async function unlessDeleted<T>(work: Promise<T>): Promise<T | null> {
  try {
    return await work;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}
