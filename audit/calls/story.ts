import type { ClickHouseClient } from '@clickhouse/client';
import type { Event } from '../../gateway/domain/event.ts';
import { eventOfRow, ROW_COLUMNS, type EventRow } from '../clickhouse/event-row.ts';
import { timeOfCallId } from './call-id.ts';

/** Milliseconds by which a step may lie before the call's identifier: its body has to come in first. */
const SLACK = 5 * 60_000;

/** Every step of one call, in order. Empty when there is no such call. */
export async function readStory(client: ClickHouseClient, callId: string, signal?: AbortSignal): Promise<Event[]> {
  const result = await client.query({
    query: `
      SELECT ${ROW_COLUMNS} FROM holdpoint.events
      WHERE call_id = {call:String} AND at >= fromUnixTimestamp64Milli({since:Int64})
      ORDER BY at, chain, seq
      SETTINGS max_execution_time = 10`,
    query_params: { call: callId, since: Math.max(0, (timeOfCallId(callId) ?? 0) - SLACK) },
    format: 'JSONEachRow',
    ...(signal && { abort_signal: signal }),
  });
  return (await result.json<EventRow>()).map(eventOfRow);
}
