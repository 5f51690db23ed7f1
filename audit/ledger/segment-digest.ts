import type { ClickHouseClient } from '@clickhouse/client';
import type { Checkpoint } from './ledger.ts';
import { LINE_EXPRESSION } from './event-expression.ts';

/** What ClickHouse has of one chapter. */
export type ChapterFound = {
  readonly rows: number;
  /** SHA-256 of the chapter's rows as they are, written down again; see `Checkpoint.hash`. */
  readonly hash: string;
};

/** Most events of the chapters that are asked for at once: their lines are in the engine's memory meanwhile. */
const WINDOW_EVENTS = 200_000;
const WINDOW_CHAPTERS = 10_000;

/** Consecutive chapters, as many as are worth one question. */
export function* windowsOf(chapters: readonly Checkpoint[]): Generator<readonly Checkpoint[]> {
  let window: Checkpoint[] = [];
  let events = 0;
  for (const chapter of chapters) {
    const more = chapter.seq - chapter.first + 1;
    if (window.length > 0 && (events + more > WINDOW_EVENTS || window.length === WINDOW_CHAPTERS)) {
      yield window;
      window = [];
      events = 0;
    }
    window.push(chapter);
    events += more;
  }
  if (window.length > 0) yield window;
}

/** Milliseconds by which an event's own time may lie outside of its chapter's: a call is judged when it has come in whole. */
const SLACK = 15 * 60_000;

/**
 * Computes the hashes of consecutive chapters of one chain, in the engine: what comes back is a hash for each. Rows whose
 * time was changed by more than a quarter of an hour are not found and their chapter does not fit; that is as it should be.
 */
export async function hashChapters(
  client: ClickHouseClient,
  window: readonly Checkpoint[],
  since: number,
): Promise<ReadonlyMap<number, ChapterFound>> {
  const [start, end] = [window[0]!, window.at(-1)!];
  const result = await client.query({
    query: `
      SELECT chapter.last AS last, count() AS rows,
        lower(hex(SHA256(concat(
          unhex(any(chapter.prev)),
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
      ) AS chapter ON event.chain = chapter.chain AND event.seq <= chapter.last
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
