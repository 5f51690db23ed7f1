import type { ClickHouseClient } from '@clickhouse/client';
import type { CallStory, LedgerPlace } from '../../gateway/domain/call-log.ts';
import { iso } from '../../gateway/domain/time.ts';
import { eventOfRow, ROW_COLUMNS, type EventRow } from '../clickhouse/event-row.ts';
import { timeOfCallId } from './call-id.ts';

/** Milliseconds by which a step may lie before the call's identifier: its body has to come in first. */
const SLACK = 5 * 60_000;

type StoryRow = EventRow & Readonly<Record<'event_id' | 'chain' | 'hash', string>> & { readonly seq: string | number };

/** Every step of one call, in order, with its place in the ledger. Empty when there is no such call. */
export async function readStory(
  client: ClickHouseClient,
  callId: string,
  signal?: AbortSignal,
): Promise<Pick<CallStory, 'events' | 'places'>> {
  const result = await client.query({
    query: `
      SELECT ${ROW_COLUMNS}, chain, seq, hash FROM holdpoint.events
      WHERE call_id = {call:String} AND at >= fromUnixTimestamp64Milli({since:Int64})
      ORDER BY at, chain, seq
      SETTINGS max_execution_time = 10`,
    query_params: { call: callId, since: Math.max(0, (timeOfCallId(callId) ?? 0) - SLACK) },
    format: 'JSONEachRow',
    ...(signal && { abort_signal: signal }),
  });
  const rows = await result.json<StoryRow>();
  const covering = await readCovering(client, rows, signal);
  const placeOf = ({ event_id, chain, seq, hash }: StoryRow): LedgerPlace => ({
    event_id,
    chain,
    seq: Number(seq),
    hash,
    checkpoint: covering.get(`${chain} ${seq}`) ?? null,
  });
  return { events: rows.map(eventOfRow), places: rows.map(placeOf) };
}

type CoveringRow = Readonly<Record<'chain' | 'hash' | 'key', string>> &
  Readonly<Record<'number' | 'first' | 'seq' | 'at_ms', string | number>>;

/** The checkpoints that cover these rows, by `chain seq` of the row. */
async function readCovering(
  client: ClickHouseClient,
  rows: readonly StoryRow[],
  signal?: AbortSignal,
): Promise<ReadonlyMap<string, NonNullable<LedgerPlace['checkpoint']>>> {
  if (rows.length === 0) return new Map();
  const result = await client.query({
    query: `
      SELECT chain, number, first, seq, hash, key, toUnixTimestamp64Milli(at) AS at_ms
      FROM holdpoint.checkpoints
      ARRAY JOIN arrayFilter((number, of) -> of = chain AND number BETWEEN first AND seq,
        {numbers:Array(UInt64)}, {chains:Array(String)}) AS number
      WHERE has({chains:Array(String)}, chain)
      SETTINGS max_execution_time = 10`,
    query_params: { numbers: rows.map(({ seq }) => seq), chains: rows.map(({ chain }) => chain) },
    format: 'JSONEachRow',
    ...(signal && { abort_signal: signal }),
  });
  const found = await result.json<CoveringRow>();
  return new Map(
    found.map(({ chain, number, first, seq, hash, key, at_ms }) => [
      `${chain} ${number}`,
      { first: Number(first), last: Number(seq), hash, key, at: iso(Number(at_ms)) },
    ]),
  );
}
