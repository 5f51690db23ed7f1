import type { ClickHouseClient } from '@clickhouse/client';
import type { Clock } from '../gateway/domain/clock.ts';
import type { CallHistory, CallLog, CallSummary } from '../gateway/domain/call-log.ts';

type Row = Omit<CallSummary, 'at' | 'hold_id' | 'status'> & {
  readonly at_ms: string | number;
  readonly hold: string;
  readonly status: number;
};

// Identifiers of calls are UUIDv7, so their order is that of the calls and the last one seen is a cursor that stays
// true whatever arrives later. A call that was decided again when it was released shows its first decision.
const RECENT = `
WITH page AS (
  SELECT call_id, at, agent, owner, system, operation, method, path, verdict, rules, reason, policy_revision, decision_id
  FROM holdpoint.events
  WHERE type = 'call.decided'
    AND ({cursor:String} = '' OR call_id < {cursor:String})
    AND at >= fromUnixTimestamp64Milli({since:Int64})
    AND call_id != {except:String}
    AND ({agent:String} = '' OR agent = {agent:String})
    AND ({system:String} = '' OR system = {system:String})
    AND ({verdict:String} = '' OR verdict = {verdict:String})
  ORDER BY call_id DESC, at ASC
  LIMIT 1 BY call_id
  LIMIT {rows:UInt32}
), later AS (
  SELECT call_id, argMaxIf(status, at, type = 'call.completed') AS status, max(hold_id) AS hold
  FROM holdpoint.events
  WHERE call_id IN (SELECT call_id FROM page)
  GROUP BY call_id
)
SELECT page.*, toUnixTimestamp64Milli(page.at) AS at_ms, later.status AS status, later.hold AS hold
FROM page LEFT JOIN later ON later.call_id = page.call_id
ORDER BY page.call_id DESC`;

/** ClickHouse's errors for a table, and for a database, that is not there. */
const NOT_THERE = new Set(['60', '81']);

const HISTORY_DAYS = 30;
const HISTORY_CALLS = 5;

// Grants approve without anybody looking, so they say nothing about what people think of such calls.
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

/** The list of recent calls, from `holdpoint.events`: as fresh as the last batch that was shipped. */
export function createCallLog(client: ClickHouseClient, clock: Clock = Date.now): CallLog {
  async function page(params: object, limit: number, signal?: AbortSignal): Promise<CallSummary[]> {
    const everything = { agent: '', system: '', verdict: '', cursor: '', since: 0, except: '' };
    const result = await client.query({
      query: RECENT,
      query_params: { ...everything, ...params, rows: limit },
      format: 'JSONEachRow',
      ...(signal && { abort_signal: signal }),
    });
    return (await result.json<Row>()).map(summarise);
  }

  return {
    async recent({ limit, ...filter }) {
      const rows = await page(filter, limit + 1).catch((error) => {
        // The table comes with the first look for something to ship: before that there is nothing in it.
        if (NOT_THERE.has((error as { code?: string }).code ?? '')) return [];
        throw error;
      });
      const items = rows.slice(0, limit);
      return { items, next: rows.length > limit ? (items.at(-1)?.call_id ?? null) : null };
    },
    async history({ agent, system, operation, except }, signal) {
      const since = clock() - HISTORY_DAYS * 86_400_000;
      const [recent_calls, counted] = await Promise.all([
        page({ agent, since, except }, HISTORY_CALLS, signal),
        client.query({
          query: HISTORY,
          query_params: { agent, system, operation, since, except },
          format: 'JSONEachRow',
          abort_signal: signal,
        }),
      ]);
      const [counts] = await counted.json<Counts>();
      return { ...shares(counts), recent_calls };
    },
  };
}

type Counts = Readonly<Record<'similar' | 'decided' | 'unchanged', string | number>>;

/** ClickHouse writes whole numbers of 64 bits as text, so that nobody rounds them. */
function shares(counts: Counts | undefined): Omit<CallHistory, 'recent_calls'> {
  const { similar, decided, unchanged } = counts ?? { similar: 0, decided: 0, unchanged: 0 };
  return {
    similar_30d: Number(similar),
    approved_unchanged_rate: Number(decided) === 0 ? null : Number(unchanged) / Number(decided),
  };
}

function summarise(row: Row): CallSummary {
  return {
    call_id: row.call_id,
    at: new Date(Number(row.at_ms)).toISOString(),
    agent: row.agent,
    owner: row.owner,
    system: row.system,
    operation: row.operation,
    method: row.method,
    path: row.path,
    verdict: row.verdict,
    rules: row.rules,
    reason: row.reason,
    policy_revision: row.policy_revision,
    decision_id: row.decision_id,
    hold_id: row.hold === '' ? null : row.hold,
    status: row.status === 0 ? null : row.status,
  };
}
