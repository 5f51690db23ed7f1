import type { ClickHouseClient } from '@clickhouse/client';
import type { Checkpoint } from './ledger.ts';
import { LINE_EXPRESSION } from './event-expression.ts';

/** What ClickHouse has of one segment. */
export type StoredSegment = {
  readonly rows: number;
  /** SHA-256 of the rows as they are now, written as lines again; see `Checkpoint.hash`. */
  readonly hash: string;
};

/** Most events in one query: the engine holds their lines in memory. */
const WINDOW_EVENTS = 200_000;
const WINDOW_SEGMENTS = 10_000;

/** Groups consecutive segments, as many as fit into one query. */
export function* windowsOf(segments: readonly Checkpoint[]): Generator<readonly Checkpoint[]> {
  let window: Checkpoint[] = [];
  let events = 0;
  for (const segment of segments) {
    const more = segment.seq - segment.first + 1;
    if (window.length > 0 && (events + more > WINDOW_EVENTS || window.length === WINDOW_SEGMENTS)) {
      yield window;
      window = [];
      events = 0;
    }
    window.push(segment);
    events += more;
  }
  if (window.length > 0) yield window;
}

/** Milliseconds by which an event's time may differ from its segment's: a call is judged once its body has arrived. */
const SLACK = 15 * 60_000;

/**
 * Computes the hashes of consecutive segments of one chain in the engine. A row with a time that was changed by more than
 * a quarter of an hour is not found, so its segment does not match, as intended.
 */
export async function hashStoredSegments(
  client: ClickHouseClient,
  window: readonly Checkpoint[],
  since: number,
): Promise<ReadonlyMap<number, StoredSegment>> {
  const [start, end] = [window[0]!, window.at(-1)!];
  const result = await client.query({
    query: `
      SELECT segment.last AS last, count() AS rows,
        lower(hex(SHA256(concat(
          unhex(any(segment.prev)),
          arrayStringConcat(arrayMap(each -> each.2, arraySort(each -> each.1, groupArray((seq, line))))))))) AS hash
      FROM (
        SELECT chain, seq, concat(${LINE_EXPRESSION}, '\\n') AS line
        FROM holdpoint.events
        WHERE chain = {chain:String} AND seq BETWEEN {first:UInt64} AND {last:UInt64}
          AND at BETWEEN fromUnixTimestamp64Milli({from:Int64}) AND fromUnixTimestamp64Milli({to:Int64})
      ) AS event
      ASOF JOIN (
        SELECT DISTINCT chain, seq AS last, prev
        FROM holdpoint.checkpoints
        WHERE chain = {chain:String} AND seq BETWEEN {first:UInt64} AND {last:UInt64}
      ) AS segment ON event.chain = segment.chain AND event.seq <= segment.last
      GROUP BY last
      SETTINGS output_format_json_escape_forward_slashes = 0`,
    query_params: {
      chain: start.chain,
      first: start.first,
      last: end.seq,
      from: since - SLACK,
      to: end.at + SLACK,
    },
    format: 'JSONEachRow',
  });
  const rows = await result.json<{ last: string | number; rows: string | number; hash: string }>();
  return new Map(rows.map(({ last, rows: count, hash }) => [Number(last), { rows: Number(count), hash }]));
}
