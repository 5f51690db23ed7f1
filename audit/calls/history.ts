import type { ClickHouseClient } from '@clickhouse/client';
import type { CallHistory } from '../../gateway/domain/call-log.ts';

/** Days that a history covers. */
export const HISTORY_DAYS = 30;

// A grant approves without a review, so its approvals say nothing about how people judge such calls.
const HISTORY = `
WITH steps AS (
  SELECT type, call_id, hold_id, actor_kind
  FROM holdpoint.events
  WHERE agent = {agent:String} AND system = {system:String} AND operation = {operation:String}
    AND at >= fromUnixTimestamp64Milli({since:Int64}) AND call_id != {except:String}
), decided AS (
  SELECT
    countIf(type = 'hold.approved' AND actor_kind = 'reviewer') > 0 AS approved,
    countIf(type IN ('hold.rejected', 'hold.taken-over')) > 0 AS declined,
    countIf(type = 'hold.edited') > 0 AS edited
  FROM steps
  WHERE hold_id != ''
  GROUP BY hold_id
)
SELECT
  (SELECT uniqExact(call_id) FROM steps WHERE type = 'call.decided') AS similar,
  countIf(approved OR declined) AS decided,
  countIf(approved AND NOT declined AND NOT edited) AS unchanged
FROM decided
SETTINGS max_execution_time = 2`;

type Counts = Readonly<Record<'similar' | 'decided' | 'unchanged', string | number>>;

/** The decisions of people on calls like this one, since `since`, milliseconds since the epoch. */
export async function countHistory(
  client: ClickHouseClient,
  of: { readonly agent: string; readonly system: string; readonly operation: string; readonly except: string },
  since: number,
  signal: AbortSignal,
): Promise<Omit<CallHistory, 'recent_calls'>> {
  const result = await client.query({
    query: HISTORY,
    query_params: { ...of, since },
    format: 'JSONEachRow',
    abort_signal: signal,
  });
  const [counts] = await result.json<Counts>();
  // ClickHouse writes whole numbers of 64 bits as text, so that no parser rounds them.
  const { similar, decided, unchanged } = counts ?? { similar: 0, decided: 0, unchanged: 0 };
  return {
    similar_30d: Number(similar),
    approved_unchanged_rate: Number(decided) === 0 ? null : Number(unchanged) / Number(decided),
  };
}
