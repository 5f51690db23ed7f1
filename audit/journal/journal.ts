import { isSafe } from '../../gateway/domain/call.ts';
import type { Clock } from '../../gateway/domain/clock.ts';
import type { Event } from '../../gateway/domain/event.ts';
import { createId } from '../../gateway/domain/id.ts';
import type { EventLine, Journal } from '../../gateway/domain/journal.ts';
import { Problem } from '../../gateway/domain/problem.ts';
import type { Signer } from '../ledger/ledger.ts';
import { eventLine } from './event-line.ts';
import { GroupBuffer, type Group } from './group-buffer.ts';
import { openSegmentLog, type SegmentLog } from './segment-log.ts';
import { ShedCount } from './shed-count.ts';

/** What happens to calls while there is no room for their record: see `JournalOptions.whenFull`. */
export type WhenFull = 'refuse' | 'drop-reads';

export type JournalOptions = {
  /** The journal's own directory: one writer at a time. Created when missing. */
  readonly dir: string;
  /** The gateway's name, for checkpoints. */
  readonly node: string;
  /** Signs checkpoints. */
  readonly signer: Signer;
  /** Most bytes in all segments that are not shipped yet. */
  readonly limit: number;
  /**
   * `refuse`: without room, on the disk or below the limit, no event is taken. `drop-reads`: events of allowed calls with
   * a safe method are counted instead, and one `journal.shed` records their number once there is room again.
   */
  readonly whenFull?: WhenFull;
  /** Bytes after which a segment is sealed. */
  readonly segmentSize?: number;
  /** Milliseconds after its first event at which a segment is sealed, and so signed for. */
  readonly maxAge?: number;
  readonly clock?: Clock;
  /** Called once for each failure of the disk, with the number of events that were taken and then lost. */
  readonly onError?: (error: unknown, lostEvents: number) => void;
};

export type JournalStatus = {
  readonly segment: number;
  /** Bytes in all segments that are still here, as far as known. */
  readonly bytes: number;
  readonly limit: number;
  /** Events are refused or shed because the limit is reached. */
  readonly full: boolean;
  /** The failure of the disk for which events are refused. */
  readonly fault: string | null;
  /** Events taken since opening. */
  readonly appended: number;
  /** Events taken and then lost when the disk failed; none of them had been promised. */
  readonly lost: number;
  /** Events of allowed reads that were not taken since opening, for lack of room. */
  readonly shed: number;
};

/** Bytes below the limit that are reserved for the checkpoint of a full journal. */
const HEAD_ROOM = 2048;
/** Bytes from which a commit starts although no caller waits for it. */
const EAGER_BYTES = 64 * 1024;
/** Milliseconds that events may stay in memory when no caller waits for them. */
const LAZY_DELAY = 20;
/** Milliseconds between measurements of a full directory, and between attempts to write again after a failure. */
const MEASURE_INTERVAL = 100;
const REOPEN_INTERVAL = 250;

/**
 * Opens the journal in `dir`, and continues its chain in a new segment.
 * @throws the file system's error when no segment can be opened
 */
export async function openJournal(options: JournalOptions): Promise<Journal & { status(): JournalStatus }> {
  const { dir, node, signer, limit, whenFull = 'refuse', segmentSize = 64 * 1024 * 1024, maxAge = 60_000 } = options;
  const { clock = Date.now, onError = () => {} } = options;
  const onAge = () => journal.wake();
  const log = await openSegmentLog({ dir, node, signer, clock, segmentSize, maxAge, onAge });
  const journal = new DiskJournal(log, { node, limit, whenFull, clock, onError });
  return {
    append: (event) => journal.append(eventLine(event), isAllowedRead(event)),
    appendLine: (line, read) => journal.append(line, read),
    flushed: () => journal.flushed(),
    close: () => journal.close(),
    status: () => journal.status(),
  };
}

type Policy = Required<Pick<JournalOptions, 'node' | 'limit' | 'whenFull' | 'clock' | 'onError'>>;

/**
 * When events are taken, when they go to disk, and what is promised of them. One group, with its write and fdatasync, is
 * in flight at a time; events that arrive meanwhile form the next.
 */
class DiskJournal {
  readonly #log: SegmentLog;
  readonly #policy: Policy;
  readonly #buffer = new GroupBuffer();
  readonly #shed = new ShedCount((count) => this.#recordShed(count));
  #inFlight: Group | null = null;
  #running: Promise<void> | null = null;
  #closing: Promise<void> | null = null;
  #fault: unknown = null;
  #full = false;
  #measuredAt = -Infinity;
  #immediate: NodeJS.Immediate | null = null;
  #lazy: NodeJS.Timeout | null = null;
  #reopening: NodeJS.Timeout | null = null;
  #appended = 0;
  #lost = 0;

  constructor(log: SegmentLog, policy: Policy) {
    this.#log = log;
    this.#policy = policy;
  }

  append(line: EventLine, read: boolean): void {
    if (this.#closing !== null) {
      throw new Problem('journal-unavailable', { cause: new Error('The journal is closed') });
    }
    this.#shed.record();
    this.#take(line, read);
  }

  /** Resolves when everything appended before is on disk. */
  flushed(): Promise<void> {
    if (this.#fault !== null) return Promise.reject(new Problem('journal-unavailable', { cause: this.#fault }));
    const { group } = this.#buffer;
    const covering = group.length > 0 ? group : this.#inFlight;
    if (covering === null) return Promise.resolve();
    if (covering.waiting === null) {
      covering.waiting = Promise.withResolvers<void>();
      covering.waiting.promise.catch(() => {});
    }
    this.wake();
    return covering.waiting.promise;
  }

  close(): Promise<void> {
    return (this.#closing ??= this.#finish());
  }

  status(): JournalStatus {
    const fault = this.#fault;
    return {
      segment: this.#log.number,
      bytes: this.#log.bytes + this.#buffer.group.length,
      limit: this.#policy.limit,
      full: this.#full,
      fault: fault === null ? null : fault instanceof Error ? fault.message : 'The disk failed',
      appended: this.#appended,
      lost: this.#lost,
      shed: this.#shed.total,
    };
  }

  /** Starts a commit after the events of this turn of the loop, so that they share it. */
  wake(): void {
    if (this.#running !== null || this.#immediate !== null) return;
    this.#immediate = setImmediate(() => this.#run());
  }

  #take(line: EventLine, read: boolean): void {
    if (this.#fault !== null) return this.#refuse(read, this.#fault, isDiskFull(this.#fault));
    const end = this.#buffer.place(line);
    const { limit } = this.#policy;
    // At the close only the count of shed events is left to take.
    if (this.#closing === null && this.#log.bytes + end + HEAD_ROOM > limit && !this.#hasRoom(end + HEAD_ROOM)) {
      return this.#refuse(read, new Error('The journal is full'), true);
    }
    this.#buffer.keep();
    this.#full = false;
    this.#appended += 1;
    if (end >= EAGER_BYTES) this.wake();
    else if (this.#running === null) this.#lazy ??= setTimeout(() => this.wake(), LAZY_DELAY);
  }

  /** @throws Problem, unless the event may be shed */
  #refuse(read: boolean, cause: unknown, forRoom: boolean): void {
    if (!forRoom || this.#policy.whenFull === 'refuse' || !read) throw new Problem('journal-unavailable', { cause });
    this.#shed.add();
  }

  /** Looks for room that the deletion of shipped segments made. */
  #hasRoom(needed: number): boolean {
    // Not by the clock, which may be put back for hours.
    if (performance.now() - this.#measuredAt >= MEASURE_INTERVAL) {
      this.#measuredAt = performance.now();
      this.#log.measure();
    }
    this.#full = this.#log.bytes + needed > this.#policy.limit;
    // Only sealed segments are deleted, so a full journal would otherwise stay full.
    if (this.#full && this.#log.requestSeal()) this.wake();
    return !this.#full;
  }

  #recordShed(count: number): boolean {
    if (this.#fault !== null) return false;
    const event: Event = {
      event_id: createId('evt'),
      at: this.#policy.clock(),
      node: this.#policy.node,
      type: 'journal.shed',
      layer: 'record',
      reason: `${count} events of allowed reads were not recorded, as there was no room`,
      failure: 'gateway-failed',
      actor: 'gateway',
      actor_kind: 'gateway',
    };
    try {
      this.#take(eventLine(event), false);
      return true;
    } catch {
      return false;
    }
  }

  #run(): void {
    this.#immediate = null;
    this.#stopLazy();
    if (this.#running !== null) return;
    this.#running = this.#commitAll().finally(() => {
      this.#running = null;
      const { group } = this.#buffer;
      if (group.waiting !== null) this.wake();
      else if (group.length > 0) this.#lazy ??= setTimeout(() => this.wake(), LAZY_DELAY);
    });
  }

  async #commitAll(): Promise<void> {
    try {
      do await this.#commit();
      while (isUrgent(this.#buffer.group));
      await this.#log.mark();
    } catch (error) {
      await this.#abandon(error);
    }
  }

  async #commit(): Promise<void> {
    const group = this.#buffer.swap();
    this.#inFlight = group;
    await this.#log.prepare(group.length);
    if (group.length > 0) await this.#log.write(group);
    this.#inFlight = null;
    group.waiting?.resolve();
  }

  /** Gives up every event that is not on disk: its caller learns so, and the call does not happen. */
  async #abandon(cause: unknown): Promise<void> {
    this.#fault = cause;
    const problem = new Problem('journal-unavailable', { cause });
    const inFlight = this.#inFlight;
    this.#inFlight = null;
    const group = this.#buffer.clear();
    const lost = (inFlight?.events ?? 0) + group.events;
    inFlight?.waiting?.reject(problem);
    group.waiting?.reject(problem);
    this.#lost += lost;
    const abandoned = this.#log.abandon();
    this.#policy.onError(cause, lost);
    await abandoned;
    this.#reopenLater();
  }

  #reopenLater(): void {
    this.#reopening = setTimeout(() => (this.#running = this.#reopen()), REOPEN_INTERVAL).unref();
  }

  async #reopen(): Promise<void> {
    try {
      await this.#log.open();
      this.#fault = null;
    } catch (error) {
      this.#fault = error;
      if (this.#closing === null) this.#reopenLater();
    }
    this.#running = null;
  }

  async #finish(): Promise<void> {
    await this.#running;
    this.#shed.record();
    await this.flushed().catch(() => {});
    await this.#running;
    this.#stopLazy();
    if (this.#reopening !== null) clearTimeout(this.#reopening);
    this.#shed.stop();
    if (this.#fault !== null) return;
    await this.#log.close().catch((error: unknown) => this.#policy.onError(error, 0));
  }

  #stopLazy(): void {
    if (this.#lazy !== null) clearTimeout(this.#lazy);
    this.#lazy = null;
  }
}

/** Whether the next commit follows at once. */
function isUrgent({ length, waiting }: Group): boolean {
  return length > 0 && (waiting !== null || length >= EAGER_BYTES);
}

/** Whether the disk failed only for lack of room. */
function isDiskFull(fault: unknown): boolean {
  const { code } = fault as NodeJS.ErrnoException;
  return code === 'ENOSPC' || code === 'EDQUOT';
}

/** What may go unrecorded where the configuration says so: a call that changed nothing, and that policy allowed. */
function isAllowedRead({ type, verdict, method }: Event): boolean {
  return (
    (type === 'call.decided' || type === 'call.completed') &&
    verdict === 'allow' &&
    method !== undefined &&
    isSafe(method)
  );
}
