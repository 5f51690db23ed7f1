import type { ClickHouseClient } from '@clickhouse/client';
import type { CallLog, CallSummary } from '../gateway/domain/event.ts';

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

/** The list of recent calls, from `holdpoint.events`: as fresh as the last batch that was shipped. */
export function createCallLog(client: ClickHouseClient): CallLog {
  return {
    async recent({ agent = '', system = '', verdict = '', cursor = '', limit }) {
      const result = await client.query({
        query: RECENT,
        query_params: { agent, system, verdict, cursor, rows: limit + 1 },
        format: 'JSONEachRow',
      });
      const rows = await result.json<Row>();
      const items = rows.slice(0, limit).map(summarise);
      return { items, next: rows.length > limit ? (items.at(-1)?.call_id ?? null) : null };
    },
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
