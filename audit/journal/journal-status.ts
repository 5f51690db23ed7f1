import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { DAMAGED, endOf, nextFrame } from './journal-reader.ts';
import { createJournalSource } from './journal-source.ts';
import { listSegments, segmentPath } from './segment.ts';
import { entriesOf } from './entries.ts';

/** The state of a journal according to its files. Numbers are those of events in its chain. */
export type JournalReport = {
  readonly name: string;
  /** Null when nothing in it can be read. */
  readonly chain: string | null;
  readonly segments: number;
  readonly bytes: number;
  /** The first and the last event that are still here; null when there is none. */
  readonly first: number | null;
  readonly last: number | null;
  /** The last event that ClickHouse has; null when it is not known. */
  readonly shipped: number | null;
  readonly waiting: { readonly rows: number | null; readonly bytes: number | null };
  /** Files in `damaged/`. */
  readonly damaged: readonly string[];
};

export type JournalsReport = {
  readonly journals: readonly JournalReport[];
  /** Dead letters: rows that ClickHouse refused. */
  readonly poison: number;
};

/**
 * Reads the state of all journals from their files alone, whether or not a gateway works on them.
 * @param dir the folder of all journals
 */
export async function readJournals(dir: string): Promise<JournalsReport> {
  const names: string[] = [];
  for (const entry of await entriesOf(dir)) {
    if (entry.isDirectory() && !entry.name.startsWith('.') && entry.name !== 'poison') names.push(entry.name);
  }
  const journals: JournalReport[] = [];
  for (const name of names.sort()) journals.push(await readJournal(dir, name));
  const poison = (await entriesOf(join(dir, 'poison'))).filter(({ name }) => name.endsWith('.json')).length;
  return { journals, poison };
}

async function readJournal(folder: string, name: string): Promise<JournalReport> {
  const dir = join(folder, name);
  const segments = await listSegments(dir);
  const position = await positionOf(folder, name);
  let bytes = 0;
  for (const segment of segments) bytes += await sizeOf(segmentPath(dir, segment));
  const first = await nextFrame(dir, 0);
  const end = segments.length === 0 ? null : await endOf(segmentPath(dir, segments.at(-1)!));
  const [, , next, chain] = position.split(':');
  const empty = first === null || end === null || (first.chain === end.chain && first.first === end.next);
  return {
    name,
    chain: end?.chain ?? first?.chain ?? null,
    segments: segments.length,
    bytes,
    first: empty ? null : first.first,
    last: empty ? null : end.next - 1,
    shipped: next !== undefined && chain === end?.chain ? Number(next) - 1 : position === '' ? 0 : null,
    waiting: await createJournalSource({ name, dir, onDamage: () => {} }).behind(position),
    damaged: (await entriesOf(join(dir, DAMAGED))).map((entry) => entry.name).sort(),
  };
}

/** The position in the shipper's state file; the beginning when there is none. */
async function positionOf(folder: string, name: string): Promise<string> {
  try {
    const state = JSON.parse(await readFile(join(folder, '.shipper', `${name}.json`), 'utf8')) as { position: string };
    return state.position;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}

/** Delivered segments may be deleted meanwhile. */
async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 0;
    throw error;
  }
}
