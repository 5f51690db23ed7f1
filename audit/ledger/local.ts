import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { readDeadLetters } from '../ship/dead-letters.ts';
import { parseState } from '../ship/ship-state.ts';
import type { KnownLines } from './inspect.ts';
import type { Keys } from './links.ts';
import type { Anchor } from './verify.ts';
import { verifyJournal, type VerifiedJournal } from './verify-journal.ts';
import { entriesOf } from '../journal/entries.ts';

/** What the gateway's own disk knows of chains. */
export type Local = {
  readonly journals: readonly VerifiedJournal[];
  readonly anchors: ReadonlyMap<string, Anchor>;
  readonly setAside: ReadonlyMap<string, KnownLines>;
};

/** @param dir the folder of all journals, which need not exist */
export async function readLocal(dir: string, keys: Keys): Promise<Local> {
  // The shipper's state first: events delivered while the journals are read may be in ClickHouse or not yet.
  const delivered = await readBooks(join(dir, '.shipper'));
  const journals: VerifiedJournal[] = [];
  for (const entry of await entriesOf(dir)) {
    if (!entry.isDirectory() || entry.name.startsWith('.') || entry.name === 'poison') continue;
    journals.push(await verifyJournal(dir, entry.name, keys));
  }
  const anchors = new Map<string, Anchor>();
  for (const [chain, seq] of delivered) anchors.set(chain, { delivered: seq, heads: [] });
  for (const { chain, heads } of journals) {
    const anchor = chain === null ? undefined : anchors.get(chain);
    if (anchor) anchors.set(chain!, { ...anchor, heads });
  }
  const setAside = new Map<string, Map<number, string>>();
  for (const { chain, seq, event } of await readDeadLetters(join(dir, 'poison'))) {
    if (!setAside.has(chain)) setAside.set(chain, new Map());
    setAside.get(chain)!.set(seq, event);
  }
  return { journals, anchors, setAside };
}

/** The last event of each chain that ClickHouse has acknowledged. */
async function readBooks(dir: string): Promise<ReadonlyMap<string, number>> {
  const books = new Map<string, number>();
  for (const { name } of await entriesOf(dir)) {
    if (basename(name, '.json') === name) continue;
    const { settled } = parseState(await readFile(join(dir, name), 'utf8'));
    if (settled && settled.stored > 0) books.set(settled.chain, settled.stored);
  }
  return books;
}
