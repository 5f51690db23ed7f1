import { open, stat, truncate } from 'node:fs/promises';
import { Chapter, headOf, START, type Checkpoint, type Head } from '../ledger/ledger.ts';
import { framesOf, readHole, type Hole, type Placed } from './segment-reader.ts';
import { GROWTH } from './segment-writer.ts';

/** Where an earlier opening left its last segment. */
export type JournalEnd = {
  readonly chain: string;
  /** All that came since the last checkpoint: the events of this segment. */
  readonly chapter: Chapter;
};

/**
 * Reads the last segment of a journal to go on behind it. Where events in its middle cannot be read, what they were
 * cannot be vouched for any more: the chapter then begins anew behind them, without a link to what was before.
 * @returns null when it is not known which was the last number, and so which is free: nothing in it can be read, or the
 *   file was cut
 */
export async function readJournalEnd(path: string): Promise<JournalEnd | null> {
  let last: Placed | null = null;
  let hole: Hole | null = null;
  let chapter: Chapter | null = null;
  for await (const item of framesOf(path)) {
    if (item.kind === 'hole') {
      hole = item;
      continue;
    }
    const torn: boolean = hole !== null || (last !== null && item.first !== last.first + last.events);
    if (item.kind === 'head') chapter = new Chapter(JSON.parse(item.payload.toString()) as Head);
    else if (item.kind === 'checkpoint') {
      chapter ??= new Chapter(headOf(JSON.parse(item.payload.toString()) as Checkpoint));
    } else if (torn || chapter === null) chapter = new Chapter({ seq: item.first - 1, link: START.link });
    if (item.kind === 'events') chapter.add(item.payload, item.events);
    last = item;
    hole = null;
  }
  if (last === null || chapter === null || (await isCut(path, last))) return null;
  return { chain: last.chain, chapter };
}

/** Whether the end of a segment is missing: a writer leaves zeros behind its events, or says that it has left. */
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

/** Takes back the room that a writer which was killed had prepared. What may be part of an event stays. */
export async function trimSegment(path: string): Promise<void> {
  let end = 0;
  for await (const item of framesOf(path)) {
    if (item.kind !== 'hole') end = item.end;
    else if ((await readHole(path, item)).length > 0) return;
  }
  await truncate(path, end);
}
