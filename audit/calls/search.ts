import type { ClickHouseClient } from '@clickhouse/client';
import type { CallFilter, CallSummary } from '../../gateway/domain/call-log.ts';
import { callIdAt, timeOfCallId } from './call-id.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/** So far back one looks at a time: most questions are about what happened just now, and that should cost little. */
const REACHES = [HOUR, DAY, 7 * DAY, 30 * DAY, 180 * DAY, Infinity];

/** Milliseconds by which a call's identifier may be younger than the call: its body has to come in first. */
const SLACK = 5 * 60_000;

const equals = (column: string) => `${column} = {${column}:String}`;

/** How each member of a filter is asked for. Values are bound, never spliced. */
const CONDITIONS: { readonly [Name in keyof Required<CallFilter>]: string } = {
  agent: equals('agent'),
  owner: equals('owner'),
  on_behalf_of: 'has(on_behalf_of, {on_behalf_of:String})',
  system: equals('system'),
  operation: equals('operation'),
  method: equals('method'),
  path: 'startsWith(path, {path:String})',
  resource: equals('resource'),
  verdict: equals('verdict'),
  rule: 'has(rules, {rule:String})',
  trigger: equals('trigger'),
  policy_revision: equals('policy_revision'),
  session: equals('session'),
  task: equals('task'),
  status: 'status = {status:UInt16}',
  code: equals('code'),
  failure: equals('failure'),
  hold_id: equals('hold_id'),
  decision_id: equals('decision_id'),
  trace_id: equals('trace_id'),
  node: equals('node'),
  from: 'at >= fromUnixTimestamp64Milli({from:Int64})',
  to: 'at < fromUnixTimestamp64Milli({to:Int64})',
  text: `(positionCaseInsensitiveUTF8(reason, {text:String}) > 0 OR call_id IN (
    SELECT call_id FROM holdpoint.events
    WHERE hold_id != '' AND positionCaseInsensitiveUTF8(reason, {text:String}) > 0
      AND at >= fromUnixTimestamp64Milli({since:Int64})))`,
};

/** The columns of a summary. */
const COLUMNS = `
  call_id, toUnixTimestamp64Milli(at) AS at_ms, agent, owner, on_behalf_of, session, task, system, operation, method, path,
  resource, verdict, rules, trigger, reason, policy_revision, decision_id, hold_id, status, ended_at IS NULL AS running,
  code, failure, took_ms, cost, cost_unit, trace_id`;

export type SearchOptions = {
  /** Only calls before this one. */
  readonly cursor?: string | undefined;
  /** Not this call. */
  readonly except?: string | undefined;
  readonly limit: number;
  /** Milliseconds since the epoch. */
  readonly now: number;
  readonly signal?: AbortSignal | undefined;
};

/** Calls that fit, newest first: at most `limit`. */
export async function searchCalls(
  client: ClickHouseClient,
  filter: CallFilter,
  { cursor, except = '', limit, now, signal }: SearchOptions,
): Promise<CallSummary[]> {
  const given = Object.entries(filter).filter(([, value]) => value !== undefined);
  const conditions = given.map(([name]) => CONDITIONS[name as keyof CallFilter]);
  const { from = 0, to = Infinity } = filter;
  const newest = Math.min(cursor === undefined ? Infinity : (timeOfCallId(cursor) ?? Infinity), to, now) + SLACK;
  const found: CallSummary[] = [];
  let before = cursor ?? `${callIdAt(newest)}~`;
  for (const reach of REACHES) {
    const since = Math.max(from, newest - reach, 0);
    const after = callIdAt(since);
    const result = await client.query({
      query: `
        SELECT ${COLUMNS} FROM holdpoint.calls
        WHERE ${['call_id < {before:String}', 'call_id >= {after:String}', 'call_id != {except:String}', ...conditions].join(' AND ')}
        ORDER BY call_id DESC
        LIMIT {rows:UInt32}
        SETTINGS max_execution_time = 10`,
      query_params: { ...Object.fromEntries(given), before, after, except, since, rows: limit - found.length },
      format: 'JSONEachRow',
      ...(signal && { abort_signal: signal }),
    });
    found.push(...(await result.json<Row>()).map(summarise));
    if (found.length >= limit || since <= from) break;
    before = after;
  }
  return found;
}

type Row = Omit<CallSummary, 'at' | 'hold_id' | 'status'> & {
  readonly at_ms: string | number;
  readonly hold_id: string;
  readonly status: number;
  readonly running: number | boolean;
};

function summarise({ at_ms, hold_id, status, running, took_ms, ...row }: Row): CallSummary {
  return {
    ...row,
    at: new Date(Number(at_ms)).toISOString(),
    hold_id: hold_id === '' ? null : hold_id,
    status: running ? null : status,
    // ClickHouse writes whole numbers of 64 bits as text, so that nobody rounds them.
    took_ms: Number(took_ms),
  };
}
