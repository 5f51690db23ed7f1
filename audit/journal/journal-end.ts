import { open, stat, truncate } from 'node:fs/promises';
import { headOf, START, type Checkpoint, type Head } from '../ledger/ledger.ts';
import { SegmentDigest } from '../ledger/segment-digest.ts';
import { framesOf, readHole, type Hole, type Placed } from './segment-reader.ts';
import { GROWTH } from './segment-writer.ts';

/** How an earlier opening left its last segment. */
export type JournalEnd = {
  readonly chain: string;
  /** Of the events since the last checkpoint, which are those of this segment. */
  readonly digest: SegmentDigest;
};

/**
 * Reads the last segment of a journal, to continue after it. Events in its middle that cannot be read cannot be signed for:
 * the digest then begins anew after them, without a link to what was before.
 * @returns null when the last number is not known, and so neither the next one: nothing can be read, or the file was cut
 */
export async function readJournalEnd(path: string): Promise<JournalEnd | null> {
  let last: Placed | null = null;
  let hole: Hole | null = null;
  let digest: SegmentDigest | null = null;
  for await (const item of framesOf(path)) {
    if (item.kind === 'hole') {
      hole = item;
      continue;
    }
    const torn: boolean = hole !== null || (last !== null && item.first !== last.first + last.events);
    if (item.kind === 'head') digest = new SegmentDigest(JSON.parse(item.payload.toString()) as Head);
    else if (item.kind === 'checkpoint') {
      digest ??= new SegmentDigest(headOf(JSON.parse(item.payload.toString()) as Checkpoint));
    } else if (torn || digest === null) digest = new SegmentDigest({ seq: item.first - 1, link: START.link });
    if (item.kind === 'events') digest.add(item.payload, item.events);
    last = item;
    hole = null;
  }
  if (last === null || digest === null || (await isCut(path, last))) return null;
  return { chain: last.chain, digest };
}

/** Whether the end of a segment is missing: a writer leaves zeros after its events, or an `end` frame. */
async function isCut(path: string, last: Placed): Promise<boolean> {
  const { size } = await stat(path);
  if (last.kind === 'end' && last.end === size) return false;
  if (size % GROWTH !== 0) return true;
  const handle = await open(path, 'r');
  try {
    const { buffer } = await handle.read(Buffer.alloc(1), 0, 1, size - 1);
    return last.end < size && buffer[0] !== 0;
  } finally {
    await handle.close();
  }
}

/** Removes the zeros that a killed writer had prepared. Bytes that may be part of an event stay. */
export async function trimSegment(path: string): Promise<void> {
  let end = 0;
  for await (const item of framesOf(path)) {
    if (item.kind !== 'hole') end = item.end;
    else if ((await readHole(path, item)).length > 0) return;
  }
  await truncate(path, end);
}
