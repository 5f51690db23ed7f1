import { setTimeout as sleep } from 'node:timers/promises';
import type { ClickHouseClient } from '@clickhouse/client';
import { headOf, type Checkpoint, type Head } from './ledger.ts';
import type { Break, ChainReport } from '../../gateway/domain/verification.ts';
import { hashStoredSegments, windowsOf } from './stored-segments.ts';
import { readCheckpoints, readExtents, type Extent } from './checkpoints.ts';
import { inspectSegment, inspectSurplus, inspectTail, type KnownLines } from './inspect.ts';
import { linkBreaks, type Keys } from './links.ts';

export type VerifyOptions = {
  readonly client: ClickHouseClient;
  readonly keys: Keys;
  /** What journals and shippers know of the chains. */
  readonly anchors?: ReadonlyMap<string, Anchor>;
  /** Events that ClickHouse refused, by chain; see `dead-letters.ts`. */
  readonly setAside?: ReadonlyMap<string, KnownLines>;
  /** Retention may have deleted rows from before then; milliseconds since the epoch. */
  readonly keptSince?: number;
  /** Whether chains must be there from their first event on. Not in an export of a period. */
  readonly whole?: boolean;
  readonly onProgress?: (events: number, of: number) => void;
};

export type Anchor = {
  /** The number of the last event that ClickHouse acknowledged. Later events may be on their way. */
  readonly delivered: number;
  /** Where the chain once stood: after a checkpoint that must match the one in ClickHouse. */
  readonly heads: readonly Head[];
};

/** Most milliseconds from a batch's first row to its checkpoints. */
const BATCH_TIME = 2_000;

/** Most milliseconds until a chain's first checkpoint arrives: a minute, and the delivery. */
const UNSIGNED_LIMIT = 5 * 60_000;

/** Breaks listed for one chain. */
const BREAKS_LIMIT = 100;

/**
 * Verifies `holdpoint.events` against the chains' checkpoints. Works while the gateway runs: rows that arrive meanwhile are
 * left out.
 * @throws the error when the record cannot be read
 */
export async function verifyRecord(options: VerifyOptions): Promise<readonly ChainReport[]> {
  const { client, anchors = new Map(), onProgress } = options;
  const extents = await readExtents(client);
  const of = [...extents.values()].reduce((sum, { rows }) => sum + rows, 0);
  let done = 0;
  const reports: ChainReport[] = [];
  for (const chain of [...new Set([...extents.keys(), ...anchors.keys()])].sort()) {
    const extent = extents.get(chain) ?? { last: 0, rows: 0, since: 0 };
    const verifying = verifyChain(chain, extent, options, (events) => {
      done += events;
      onProgress?.(done, of);
    });
    reports.push(await verifying);
  }
  return reports;
}

async function verifyChain(
  chain: string,
  extent: Extent,
  options: VerifyOptions,
  advance: (events: number) => void,
): Promise<ChainReport> {
  const { client, keys, anchors, setAside, keptSince = -Infinity, whole = true } = options;
  const known = setAside?.get(chain) ?? new Map<number, string>();
  const checkpoints = await readCheckpoints(client, chain);
  const last = checkpoints.at(-1);
  const breaks: Break[] = [...linkBreaks(checkpoints, keys, whole)];
  let verified = 0;
  let expired = 0;
  let since = checkpoints[0]?.at ?? 0;
  let before = Infinity;
  let kept = 0;

  for (const window of windowsOf(checkpoints)) {
    const found = await hashStoredSegments(client, window, since);
    since = window.at(-1)!.at;
    for (const segment of window) {
      const there = found.get(segment.seq);
      advance(there?.rows ?? 0);
      const count = segment.seq - segment.first + 1;
      const wrong = there?.hash === segment.hash ? [] : await inspectSegment(client, segment, known);
      if (wrong.length === 0) verified += count;
      // Retention deletes whole months, so it leaves no wrong rows, only missing ones. They arrived between the checkpoint
      // before and their own.
      else if (
        verified === 0 &&
        Math.min(before, segment.at) < keptSince &&
        wrong.every(({ kind }) => kind === 'missing')
      ) {
        expired += count;
        kept = segment.seq + 1;
      } else breaks.push(...wrong.slice(0, BREAKS_LIMIT));
      before = segment.at;
      if (breaks.length >= BREAKS_LIMIT) break;
    }
    if (breaks.length >= BREAKS_LIMIT) break;
  }

  const signed = last?.seq ?? 0;
  if (breaks.length === 0) {
    const elsewhere = [...known.keys()].filter((seq) => seq >= kept && seq <= signed).length;
    breaks.push(...(await inspectSurplus(client, { chain, first: kept, last: signed, count: verified - elsewhere })));
  }
  const anchor = anchors?.get(chain);
  const reached = Math.max(extent.last, signed, ...known.keys());
  // The chain of a new gateway may not have a checkpoint yet.
  const isNew = chain !== '' && Math.abs(Date.now() - extent.since) < UNSIGNED_LIMIT;
  if (!last && extent.rows > 0 && !anchor && !isNew) breaks.push(foreign(chain, extent));
  else if (reached > signed) breaks.push(...(await inspectTail(client, chain, signed + 1, reached, known)));
  if (anchor && anchor.delivered > reached) breaks.push(truncated(chain, reached, anchor.delivered));
  let unknown = otherHeads(chain, checkpoints, anchor);
  if (unknown.length > 0) {
    // Rows arrive before the checkpoints of their batch.
    await sleep(BATCH_TIME);
    unknown = otherHeads(chain, await readCheckpoints(client, chain), anchor);
  }
  breaks.push(...unknown);
  return {
    chain,
    nodes: [...new Set(checkpoints.map(({ node }) => node))],
    verified,
    checkpoints: checkpoints.length,
    unsigned: Math.max(0, reached - signed),
    expired,
    signedAt: last?.at ?? null,
    breaks: breaks.sort((a, b) => a.first - b.first || a.last - b.last),
  };
}

/** Checkpoints that differ from those that the journal continued from. */
function otherHeads(chain: string, checkpoints: readonly Checkpoint[], anchor: Anchor | undefined): readonly Break[] {
  if (!anchor) return [];
  const { delivered, heads } = anchor;
  const links = new Map(checkpoints.map((each) => [each.seq, headOf(each).link]));
  return heads
    .filter(({ seq, link }) => seq > 0 && seq < delivered && links.get(seq) !== link)
    .map(({ seq }) => {
      const what = links.has(seq) ? 'is another one' : 'is missing';
      const detail = `the checkpoint at ${seq}, from which the journal continued, ${what} in ClickHouse`;
      return { chain, kind: 'unlinked', first: seq, last: seq, event: null, detail };
    });
}

function truncated(chain: string, reached: number, known: number): Break {
  const detail = `the chain reached ${known} and now ends at ${reached}`;
  return { chain, kind: 'truncated', first: reached + 1, last: known, event: null, detail };
}

function foreign(chain: string, { last, rows }: Extent): Break {
  const detail = `${rows} rows are in a chain (${chain || 'none'}) that has no checkpoint and that no journal knows`;
  return { chain, kind: 'foreign', first: 1, last, event: null, detail };
}
