import { rm, stat } from 'node:fs/promises';
import { syncDirectory } from './durable-file.ts';
import { endOf, isVoid, nextFrame, setAside, type Damage } from './journal-reader.ts';
import type { Checkpoint } from '../ledger/ledger.ts';
import { listSegments, segmentPath } from './segment.ts';
import { framesOf, readHole, type Expected, type Hole, type Placed } from './segment-reader.ts';
import { BATCH_BYTES, BATCH_ROWS, type Batch, type Position, type Source } from '../ship/source.ts';

/**
 * After so many milliseconds without a write, the end of an open segment counts as on disk: its writer is gone, and the
 * kernel writes everything back within half of that.
 */
const ABANDONED_AFTER = 60_000;

/** `expected` is null at the beginning, when nothing is known of the chain yet. */
type Place = { readonly segment: number; readonly offset: number; readonly expected: Expected | null };

const BEGINNING: Place = { segment: 0, offset: 0, expected: null };

/**
 * The journal directory `dir` as a source. Of the segment that is being written it gives what is on disk for good, so
 * that nothing is delivered which a failing machine could forget again and number anew. No number of a chain is ever
 * given twice. Damage is set aside and reported with the numbers of the events that are gone, and what follows it is
 * delivered.
 */
export function createJournalSource(options: {
  readonly name: string;
  readonly dir: string;
  /** Most rows of a batch, and most bytes; more only where one frame alone has more. */
  readonly rows?: number;
  readonly bytes?: number;
  /** Called once for each damage; once more after a restart, if the events after it are not delivered. */
  readonly onDamage: (damage: Damage) => void;
}): Source {
  const { name, dir, rows: batchRows = BATCH_ROWS, bytes: batchBytes = BATCH_BYTES, onDamage } = options;
  const reported = new Set<string>();
  /** Where the chain continues after a sealed segment. */
  let successor: { readonly segment: number; readonly frame: Placed | null } | null = null;
  let tail: (Expected & { readonly segment: number; readonly end: number }) | null = null;

  async function frameAfter(segment: number): Promise<Placed | null> {
    if (successor?.segment !== segment) successor = { segment, frame: await nextFrame(dir, segment) };
    return successor.frame;
  }

  async function report(damage: Omit<Damage, 'dir' | 'bytes'>, bytes: Buffer): Promise<void> {
    const whole: Damage = { ...damage, dir, bytes: bytes.length };
    const place = `${damage.segment}:${damage.offset}`;
    if (reported.has(place)) return;
    await setAside(whole, bytes);
    reported.add(place);
    onDamage(whole);
  }

  /** Frames and holes from `place` on that may be delivered: as many as make a batch, if there are so many. */
  async function collect(place: Place, sealed: boolean, until: number | null): Promise<(Placed | Hole)[]> {
    const path = segmentPath(dir, place.segment);
    const items: (Placed | Hole)[] = [];
    let onDisk = sealed || until !== null ? Infinity : 0;
    let ready = 0;
    let rows = 0;
    let bytes = 0;
    const advance = () => {
      for (let item = items[ready]; item !== undefined && item.end <= onDisk; item = items[++ready]) {
        if (item.kind === 'hole') continue;
        rows += item.events;
        bytes += item.payload.length;
      }
    };
    for await (const item of framesOf(path, {
      from: place.offset,
      until: until ?? Infinity,
      expected: place.expected,
    })) {
      items.push(item);
      if (item.kind !== 'hole') onDisk = Math.max(onDisk, item.synced);
      advance();
      if (until === null && (rows >= batchRows || bytes >= batchBytes)) break;
    }
    if (ready < items.length && Date.now() - (await stat(path)).mtimeMs > ABANDONED_AFTER) {
      onDisk = Infinity;
      advance();
    }
    // In an open segment the hole at the end is room for more, or a write under way.
    if (!sealed && items[ready - 1]?.kind === 'hole') ready -= 1;
    return items.slice(0, ready);
  }

  /** What the segment has from `place` on, and what is expected after it. */
  async function read(
    place: Place,
    { sealed, complete, until }: { sealed: boolean; complete: boolean; until: number | null },
  ): Promise<{ batch: Batch | null; expected: Expected | null }> {
    const { segment } = place;
    const following = sealed ? await frameAfter(segment) : null;
    const rows: Buffer[] = [];
    const checkpoints: Checkpoint[] = [];
    let { expected } = place;
    let hole: Hole | null = null;
    let end = place.offset;
    let bytes = 0;

    for (const item of await collect(place, sealed, until)) {
      const filled = rows.length > 0 || checkpoints.length > 0;
      if (item.kind === 'hole') {
        if (filled) break;
        hole = item;
        continue;
      }
      if (isVoid(item, following)) {
        hole = null;
        break;
      }
      if (expected !== null && expected.chain !== item.chain) {
        // Only where the end of a chain cannot be known is another one begun.
        const missing = { chain: expected.chain, first: expected.next, last: null };
        await report({ segment, offset: 0, kind: 'corrupt', missing }, Buffer.alloc(0));
        expected = { chain: item.chain, next: 1 };
      }
      // At the beginning all is expected, unless segments were delivered and deleted before the place was lost.
      const missing = missingBefore(item, expected ?? (hole || complete ? { chain: item.chain, next: 1 } : null));
      if (hole !== null || missing !== null) {
        if (filled) break;
        const bytes = hole === null ? Buffer.alloc(0) : await readHole(segmentPath(dir, segment), hole);
        await report({ segment, offset: (hole ?? item).at, kind: 'corrupt', missing }, bytes);
        hole = null;
      }
      bytes += item.payload.length;
      if (filled && until === null && (rows.length + item.events > batchRows || bytes > batchBytes)) break;
      if (item.kind === 'events') for (const line of linesOf(item.payload)) rows.push(line);
      if (item.kind === 'checkpoint') checkpoints.push(JSON.parse(item.payload.toString()) as Checkpoint);
      expected = { chain: item.chain, next: item.first + item.events };
      end = item.end;
    }

    if (expected !== null && (rows.length > 0 || checkpoints.length > 0)) {
      const { chain, next } = expected;
      const to = `${segment}:${end}:${next}:${chain}`;
      return { batch: { chain, first: next - rows.length, rows, to, checkpoints }, expected };
    }
    if (hole !== null) expected = await closeWithHole(segment, hole, expected, following);
    return { batch: null, expected };
  }

  /** Handles bytes that are no frame at the end of a sealed segment. @returns what is expected after it */
  async function closeWithHole(
    segment: number,
    hole: Hole,
    expected: Expected | null,
    following: Placed | null,
  ): Promise<Expected | null> {
    const bytes = await readHole(segmentPath(dir, segment), hole);
    if (bytes.length === 0) return expected;
    const known = expected ?? (following && { chain: following.chain, next: 1 });
    const missing =
      known !== null && following?.chain !== known.chain
        ? { chain: known.chain, first: known.next, last: null }
        : following && missingBefore(following, known);
    const kind = missing === null && hole.at > 0 ? 'torn' : 'corrupt';
    await report({ segment, offset: hole.at, kind, missing }, bytes);
    if (following === null) return expected;
    return { chain: following.chain, next: following.chain === known?.chain ? following.first : 1 };
  }

  async function updateTail(last: number, place: Place): Promise<typeof tail> {
    const path = segmentPath(dir, last);
    const from = tail?.segment === last ? { from: tail.end, expected: tail } : {};
    const start = place.segment === last ? { from: place.offset, expected: place.expected } : {};
    const end = await endOf(path, tail?.segment === last ? from : start);
    if (end !== null) tail = { segment: last, ...end };
    else if (tail?.segment !== last) {
      tail = place.segment === last && place.expected ? { segment: last, end: place.offset, ...place.expected } : null;
    }
    return tail;
  }

  return {
    name,
    async next(position, until) {
      let place = parse(position);
      const stop = until === undefined ? null : parse(until);
      for (;;) {
        const segments = await listSegments(dir);
        const segment = segments.find((number) => number >= place.segment);
        if (segment === undefined || (stop !== null && segment > stop.segment)) return null;
        if (segment !== place.segment) place = { ...place, segment, offset: 0 };
        // Asked before reading: a segment that has a successor now is complete.
        const sealed = segment !== segments.at(-1);
        const { batch, expected } = await read(place, {
          sealed,
          complete: segments[0] === 1,
          until: stop?.segment === segment ? stop.offset : null,
        });
        if (batch !== null) return batch;
        if (!sealed) return null;
        place = { segment: segment + 1, offset: 0, expected };
      }
    },
    async forget(position) {
      const { segment } = parse(position);
      const delivered = (await listSegments(dir)).filter((number) => number < segment);
      for (const number of delivered) await rm(segmentPath(dir, number), { force: true });
      if (delivered.length > 0) await syncDirectory(dir);
    },
    async behind(position) {
      const place = parse(position);
      const segments = (await listSegments(dir)).filter((number) => number >= place.segment);
      const last = segments.at(-1);
      const end = last === undefined ? null : await updateTail(last, place);
      if (end === null) return { bytes: 0, rows: 0 };
      const rows =
        place.expected === null || place.expected.chain === end.chain ? end.next - (place.expected?.next ?? 1) : null;
      if (rows === 0) return { bytes: 0, rows };
      let bytes = end.end - (segments[0] === place.segment ? place.offset : 0);
      for (const number of segments.slice(0, -1)) bytes += (await stat(segmentPath(dir, number))).size;
      return { bytes, rows };
    },
  };
}

function missingBefore(item: Placed, expected: Expected | null): Damage['missing'] {
  if (expected === null || item.first <= expected.next) return null;
  return { chain: expected.chain, first: expected.next, last: item.first - 1 };
}

function linesOf(payload: Buffer): Buffer[] {
  const lines: Buffer[] = [];
  for (let at = 0; at < payload.length;) {
    const end = payload.indexOf(10, at);
    lines.push(payload.subarray(at, end));
    at = end + 1;
  }
  return lines;
}

/** A position is `<segment>:<offset>:<number of the next event>:<chain>`. */
function parse(position: Position): Place {
  if (position === '') return BEGINNING;
  const match = /^(\d+):(\d+):(\d+):([0-9a-f-]{36})$/.exec(position);
  if (!match) throw new Error(`Not a position in a journal: ${position}`);
  const [segment, offset, next, chain] = match.slice(1) as [string, string, string, string];
  return { segment: Number(segment), offset: Number(offset), expected: { chain, next: Number(next) } };
}
