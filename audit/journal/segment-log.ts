import { randomUUID } from 'node:crypto';
import { readdirSync, statSync } from 'node:fs';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Clock } from '../../gateway/domain/clock.ts';
import { checkpoint, headOf, START, type Checkpoint, type Signer } from '../ledger/ledger.ts';
import { SegmentDigest } from '../ledger/segment-digest.ts';
import { syncDirectory } from './durable-file.ts';
import { encodeFrame, HEADER_BYTES, sealFrame, type FrameKind } from './frame.ts';
import type { Group } from './group-buffer.ts';
import { readJournalEnd, trimSegment } from './journal-end.ts';
import { createSegment, type SegmentWriter } from './segment-writer.ts';
import { listSegments, segmentNumber, segmentPath } from './segment.ts';

export type SegmentLogOptions = {
  /** One writer at a time. Created when missing. */
  readonly dir: string;
  /** The gateway's name, for checkpoints. */
  readonly node: string;
  readonly signer: Signer;
  readonly clock: Clock;
  /** Bytes after which a segment is sealed. */
  readonly segmentSize: number;
  /** Milliseconds after a segment's first event at which it is to be sealed. */
  readonly maxAge: number;
  /** Called when the open segment reaches that age. The next `prepare` seals it. */
  readonly onAge: () => void;
};

/** Where the segments of an earlier opening end: the chain, the digest of what no checkpoint covers, the last number. */
type End = { readonly chain: string; readonly digest: SegmentDigest; readonly number: number };

/**
 * Opens the segments in `dir`, and continues their chain in a new segment.
 * @throws the file system's error when no segment can be opened
 */
export async function openSegmentLog(options: SegmentLogOptions): Promise<SegmentLog> {
  const { dir } = options;
  await mkdir(dir, { recursive: true, mode: 0o700 });
  await syncDirectory(dirname(dir));
  const earlier = await listSegments(dir);
  // Positions name segments by their number, so a number is never used again: the last segment is never deleted.
  const number = earlier.at(-1) ?? 0;
  const end = number === 0 ? null : await readJournalEnd(segmentPath(dir, number));
  for (const name of await readdir(dir)) if (name.endsWith('.journal.tmp')) await rm(join(dir, name), { force: true });
  const log = new SegmentLog(options, {
    chain: end?.chain ?? randomUUID(),
    digest: end?.digest ?? new SegmentDigest(START),
    number,
  });
  await log.open();
  if (number > 0) await trimUnlessDeleted(segmentPath(dir, number));
  log.measure();
  return log;
}

/**
 * The segments of one journal: one that is open, and those that are sealed.
 *
 * An event gets its number only when it goes to disk. Events that a failing disk did not take have no number, and the next
 * segment begins with the last number that is certain: readers give nothing of the failed segment beyond it.
 */
export class SegmentLog {
  readonly #options: SegmentLogOptions;
  readonly #chain: string;
  /** Of the events on disk since the last checkpoint. */
  #digest: SegmentDigest;
  /** The checkpoint that begins the next segment; made once, however many attempts it takes to write it. */
  #signed: Checkpoint | null = null;
  #lastNumber: number;
  #segment: SegmentWriter | null = null;
  /** Bytes in all segments, as far as known. */
  #stored = 0;
  /** Bytes of the group that is being written. */
  #writing = 0;
  #sealWanted = false;
  #aging: NodeJS.Timeout | null = null;

  constructor(options: SegmentLogOptions, { chain, digest, number }: End) {
    this.#options = options;
    this.#chain = chain;
    this.#digest = digest;
    this.#lastNumber = number;
  }

  /** The number of the open segment, or of the last one. */
  get number(): number {
    return this.#segment?.number ?? this.#lastNumber;
  }

  /** Bytes in all segments, with the group that is being written. */
  get bytes(): number {
    return this.#stored + this.#writing;
  }

  /** Measures the segments anew: shipped ones are deleted. */
  measure(): void {
    const { dir } = this.#options;
    let bytes = this.#segment?.size ?? 0;
    for (const name of readdirSync(dir)) {
      const number = segmentNumber(name);
      if (number === null || number === this.#segment?.number) continue;
      bytes += statSync(segmentPath(dir, number), { throwIfNoEntry: false })?.size ?? 0;
    }
    this.#stored = bytes;
  }

  /** Has the next `prepare` seal the open segment. @returns whether there is anything to seal */
  requestSeal(): boolean {
    if (this.#segment === null || (this.#digest.empty && this.#writing === 0)) return false;
    this.#sealWanted = true;
    return true;
  }

  /** Opens a segment. It begins with the checkpoint of all before it, if there are events since the last one. */
  async open(): Promise<void> {
    this.#segment = await this.#create();
  }

  /** Makes ready to write so many bytes: seals the open segment when it is full or due, and opens one if there is none. */
  async prepare(length: number): Promise<void> {
    this.#writing = length;
    const segment = this.#segment;
    const isFull = segment !== null && segment.size + length > this.#options.segmentSize;
    if (segment !== null && !this.#digest.empty && (this.#sealWanted || isFull)) await this.#seal();
    this.#segment ??= await this.#create();
  }

  /** Resolves when the group is on disk. After an error, `abandon` is the only way on. */
  async write({ bytes, length, frames }: Group): Promise<void> {
    const segment = this.#segment!;
    let first = this.#digest.seq + 1;
    for (const { at, end, events } of frames) {
      sealFrame(bytes, at, end, { kind: 'events', chain: this.#chain, first, events, synced: segment.size });
      first += events;
    }
    await segment.put(bytes, length);
    const synced = segment.sync();
    // While the disk works.
    const longer = this.#digest.copy();
    for (const { at, end, events } of frames) longer.add(bytes.subarray(at + HEADER_BYTES, end), events);
    await synced;
    this.#digest = longer;
    segment.advance(length);
    this.#stored += length;
    this.#writing = 0;
    this.#aging ??= setTimeout(() => this.#age(), this.#options.maxAge).unref();
  }

  /** Tells readers that all events of the open segment are on disk. */
  async mark(): Promise<void> {
    if (this.#segment !== null && !this.#digest.empty) await this.#put(this.#segment, 'mark');
  }

  /**
   * Gives up the open segment. After a failed write or sync nothing is known about the pages that it concerned, so the
   * segment is never written again.
   */
  async abandon(): Promise<void> {
    const failed = this.#segment;
    this.#segment = null;
    this.#writing = 0;
    // If it came of age while another is being opened, there would be two, and readers believe the later one.
    this.#stopAging();
    await failed?.abandon();
  }

  /** Seals the open segment, so that its events are signed for and can be shipped and deleted, and ends the journal. */
  async close(): Promise<void> {
    this.#stopAging();
    if (this.#segment === null) return;
    if (!this.#digest.empty) await this.#seal();
    await this.#put(this.#segment, 'end');
    await this.#segment.sync();
    await this.#segment.finish();
    this.#segment = null;
  }

  #age(): void {
    this.#sealWanted = true;
    this.#options.onAge();
  }

  #stopAging(): void {
    if (this.#aging !== null) clearTimeout(this.#aging);
    this.#aging = null;
  }

  async #create(): Promise<SegmentWriter> {
    const { dir, node, signer, clock } = this.#options;
    if (!this.#digest.empty) {
      this.#signed = checkpoint({ chain: this.#chain, node, at: clock() }, this.#digest.summary(), signer);
      this.#digest = new SegmentDigest(headOf(this.#signed));
    }
    this.#lastNumber += 1;
    const head = [this.#frame('head', JSON.stringify({ chain: this.#chain, ...this.#digest.head }), 0)];
    if (this.#signed !== null) head.push(this.#frame('checkpoint', JSON.stringify(this.#signed), 0));
    const created = await createSegment(dir, this.#lastNumber, Buffer.concat(head));
    this.#signed = null;
    this.#stored += created.size;
    try {
      await this.#put(created, 'mark');
    } catch (error) {
      await created.abandon();
      throw error;
    }
    return created;
  }

  /** Ends the open segment. Its successor tells readers that nothing more will come. */
  async #seal(): Promise<void> {
    const ended = this.#segment;
    this.#segment = await this.#create();
    this.#sealWanted = false;
    this.#stopAging();
    await ended?.finish();
  }

  /**
   * Writes that all before is on disk, into the page cache: a reader that sees it can rely on it. Frames of events say the
   * same of what is before them, so it is needed only where none follow at once.
   */
  async #put(target: SegmentWriter, kind: 'mark' | 'end'): Promise<void> {
    const bytes = this.#frame(kind, '', target.size);
    await target.put(bytes, bytes.length);
    target.advance(bytes.length);
    this.#stored += bytes.length;
  }

  #frame(kind: FrameKind, payload: string, synced: number): Buffer {
    return encodeFrame({ kind, chain: this.#chain, first: this.#digest.seq + 1, events: 0, synced }, payload);
  }
}

/** Segments of an earlier opening may be delivered and deleted at any moment. */
async function trimUnlessDeleted(path: string): Promise<void> {
  try {
    await trimSegment(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}
