import type { ClickHouseClient } from '@clickhouse/client';
import { eventLine } from '../journal/event-line.ts';
import { rowHash, type Checkpoint } from './ledger.ts';
import { SegmentDigest } from './segment-digest.ts';
import type { Break } from '../../gateway/domain/verification.ts';
import { eventOfRow, ROW_COLUMNS, type EventRow } from '../clickhouse/event-row.ts';

/** The parts of a row that tell whether it was changed. */
type Row = {
  readonly seq: number;
  readonly event: string;
  readonly line: string;
  readonly hash: string;
  readonly fits: boolean;
};

/** Lines that ClickHouse refused, by number; they are known from the dead letters. */
export type KnownLines = ReadonlyMap<number, string>;

/**
 * Checks every row of a segment that does not match its checkpoint. With an empty result it matches after all: the engine
 * writes some characters and numbers in another form.
 */
export async function inspectSegment(
  client: ClickHouseClient,
  segment: Checkpoint,
  known: KnownLines,
): Promise<readonly Break[]> {
  const rows = await readRows(client, segment.chain, segment.first, segment.seq, known);
  if (digest(segment, rows) === segment.hash) return [];
  const found = rowBreaks(segment.chain, segment.first, segment.seq, rows);
  if (found.length > 0) return found;
  const detail = `events ${segment.first} to ${segment.seq} do not match their signed hash, although each matches its own`;
  return [{ chain: segment.chain, kind: 'rewritten', first: segment.first, last: segment.seq, event: null, detail }];
}

/** Checks the rows after the last checkpoint. They are not signed yet, but each has a number and a hash. */
export async function inspectTail(
  client: ClickHouseClient,
  chain: string,
  first: number,
  last: number,
  known: KnownLines,
): Promise<readonly Break[]> {
  return rowBreaks(chain, first, last, await readRows(client, chain, first, last, known));
}

/**
 * Looks for added rows in a part of a chain that is whole without them: rows with number 0, or with a number from `first`
 * to `last` that another row has.
 * @param count the number of rows without them
 */
export async function inspectSurplus(
  client: ClickHouseClient,
  { chain, first, last, count }: { chain: string; first: number; last: number; count: number },
): Promise<readonly Break[]> {
  const ask = async (query: string) => {
    const result = await client.query({ query, query_params: { chain, first, last }, format: 'JSONEachRow' });
    return await result.json<Record<string, string | number>>();
  };
  const among = `holdpoint.events WHERE chain = {chain:String} AND (seq = 0 OR seq BETWEEN {first:UInt64} AND {last:UInt64})`;
  const [found] = await ask(`SELECT count() AS rows FROM ${among}`);
  if (Number(found!['rows']) === count) return [];
  const surplus = await ask(`
    SELECT seq, max(event_id) AS event FROM ${among}
    GROUP BY seq HAVING seq = 0 OR count() > 1 ORDER BY seq LIMIT 100`);
  return surplus.map(({ seq, event }) => repeated(chain, Number(seq), String(event)));
}

async function readRows(
  client: ClickHouseClient,
  chain: string,
  first: number,
  last: number,
  known: KnownLines,
): Promise<readonly Row[]> {
  const result = await client.query({
    query: `
      SELECT ${ROW_COLUMNS}, seq, hash
      FROM holdpoint.events
      WHERE chain = {chain:String} AND seq BETWEEN {first:UInt64} AND {last:UInt64}
      ORDER BY seq, event_id`,
    query_params: { chain, first, last },
    format: 'JSONEachRow',
  });
  const rows: Row[] = [];
  for await (const page of result.stream<EventRow>()) {
    for (const each of page) {
      const row = each.json();
      const line = eventLine(eventOfRow(row));
      const seq = Number(row['seq']);
      const hash = String(row['hash']);
      rows.push({ seq, event: String(row['event_id']), line, hash, fits: rowHash(seq, line) === hash });
    }
  }
  for (const [seq, line] of known)
    if (seq >= first && seq <= last) rows.push({ seq, event: '', line, hash: '', fits: true });
  return rows.sort((a, b) => a.seq - b.seq);
}

function digest({ first, prev }: Checkpoint, rows: readonly Row[]): string {
  const recomputed = new SegmentDigest({ seq: first - 1, link: prev });
  for (const { line } of rows) recomputed.add(Buffer.from(`${line}\n`), 1);
  return recomputed.summary().hash;
}

function rowBreaks(chain: string, first: number, last: number, rows: readonly Row[]): readonly Break[] {
  const found: Break[] = [];
  const unfit = rows.filter(({ fits }) => !fits);
  let expected = first;
  for (const row of rows) {
    if (row.seq > expected) found.push(missing(chain, expected, row.seq - 1));
    if (row.seq < expected) {
      found.push(repeated(chain, row.seq, row.event));
    } else if (!row.fits) {
      found.push(isMoved(row, unfit) ? moved(chain, row) : changed(chain, row));
    }
    expected = Math.max(expected, row.seq + 1);
  }
  if (expected <= last) found.push(missing(chain, expected, last));
  return found;
}

/** Rows that do not match, among which the former number of a row is looked for. */
const REACH = 1000;

/** Whether the row's hash is that of its line at the number of another row that does not match. */
function isMoved({ seq, line, hash }: Row, unfit: readonly Row[]): boolean {
  return unfit.slice(0, REACH).some((other) => other.seq !== seq && rowHash(other.seq, line) === hash);
}

function repeated(chain: string, seq: number, event: string): Break {
  const detail =
    seq === 0 ? `a row has a number outside its chain (${event})` : `event ${seq} is there more than once (${event})`;
  return { chain, kind: 'repeated', first: seq, last: seq, event, detail };
}

function moved(chain: string, { seq, event }: Row): Break {
  return {
    chain,
    kind: 'moved',
    first: seq,
    last: seq,
    event,
    detail: `event ${seq} (${event}) stood at another number`,
  };
}

function changed(chain: string, { seq, event }: Row): Break {
  return {
    chain,
    kind: 'changed',
    first: seq,
    last: seq,
    event,
    detail: `event ${seq} (${event}) is not what was written`,
  };
}

function missing(chain: string, first: number, last: number): Break {
  const detail = first === last ? `event ${first} is missing` : `events ${first} to ${last} are missing`;
  return { chain, kind: 'missing', first, last, event: null, detail };
}
