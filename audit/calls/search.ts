import { ClickHouseError, type ClickHouseClient } from '@clickhouse/client';
import type { CallFilter, CallSummary } from '../../gateway/domain/call-log.ts';
import { iso } from '../../gateway/domain/time.ts';
import { callIdAt, timeOfCallId } from './call-id.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/** The periods that a search covers step by step: most searches are for recent calls, which should be cheap. */
const REACHES = [HOUR, DAY, 7 * DAY, 30 * DAY, 180 * DAY, Infinity];

/** Milliseconds by which a call's identifier may be younger than the call: its body has to come in first. */
const SLACK = 5 * 60_000;

/** Longest that a search may take, in seconds. */
const PATIENCE = 4;
/** TIMEOUT_EXCEEDED, TOO_SLOW */
const TOO_LONG = new Set(['159', '160']);

const equals = (column: string) => `${column} = {${column}:String}`;

/** How each member of a filter is asked for. Values are bound, never spliced. */
const CONDITIONS: { readonly [Name in Exclude<keyof CallFilter, 'text'>]-?: string } = {
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
};

/** Where words may stand, each as an index can find them: asked for together, none could be used. */
const WORDS = [
  'lowerUTF8(reason) LIKE {text:String}',
  `call_id IN (
    SELECT call_id FROM holdpoint.events
    WHERE lowerUTF8(reason) LIKE {text:String} AND hold_id != ''
      AND call_id < {before:String} AND call_id >= {after:String} AND at >= fromUnixTimestamp64Milli({since:Int64}))`,
];

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

export type Found = {
  /** Newest first, at most `limit`. */
  readonly calls: readonly CallSummary[];
  /** How far back was looked when time ran out, milliseconds since the epoch; null when nothing was left out. */
  readonly since: number | null;
};

/**
 * Finds the matching calls.
 * @throws what ClickHouse says, also when not even the first hour could be looked through in time
 */
export async function searchCalls(
  client: ClickHouseClient,
  filter: CallFilter,
  { cursor, except = '', limit, now, signal }: SearchOptions,
): Promise<Found> {
  const { text, ...rest } = filter;
  const given = Object.entries(rest).filter(([, value]) => value !== undefined);
  const values = { ...Object.fromEntries(given), ...(text !== undefined && { text: containing(text) }) };
  const conditions = [
    'call_id < {before:String}',
    'call_id >= {after:String}',
    'call_id != {except:String}',
    ...given.map(([name]) => CONDITIONS[name as keyof typeof rest]),
  ];
  const ways = text === undefined ? [conditions] : WORDS.map((words) => [...conditions, words]);
  const asked = ways.map(
    (way) => `
      SELECT ${COLUMNS} FROM holdpoint.calls WHERE ${way.join(' AND ')}
      ORDER BY call_id DESC LIMIT {rows:UInt32}`,
  );
  const { from = 0, to = Infinity } = filter;
  const newest = Math.min(cursor === undefined ? Infinity : (timeOfCallId(cursor) ?? Infinity), to, now) + SLACK;
  const found: CallSummary[] = [];
  const began = performance.now();
  let before = cursor ?? `${callIdAt(newest)}~`;
  let searched: number | null = null;
  for (const reach of REACHES) {
    const seconds = Math.floor(PATIENCE - (performance.now() - began) / 1000);
    if (seconds < 1) return { calls: found, since: searched };
    const since = Math.max(from, newest - reach, 0);
    const after = callIdAt(since);
    try {
      const result = await client.query({
        query: `
          SELECT * FROM (${asked.map((one) => `(${one})`).join(' UNION ALL ')})
          ORDER BY call_id DESC LIMIT 1 BY call_id LIMIT {rows:UInt32}
          SETTINGS max_execution_time = ${seconds}`,
        query_params: { ...values, before, after, except, since, rows: limit - found.length },
        format: 'JSONEachRow',
        ...(signal && { abort_signal: signal }),
      });
      found.push(...(await result.json<Row>()).map(summarise));
    } catch (error) {
      if (searched === null || !isTimeout(error)) throw error;
      return { calls: found, since: searched };
    }
    if (found.length >= limit || since <= from) break;
    before = after;
    searched = since;
  }
  return { calls: found, since: null };
}

/** A `LIKE` pattern for "contains", in lower case. */
function containing(text: string): string {
  return `%${text.toLowerCase().replaceAll(/[\\%_]/g, String.raw`\$&`)}%`;
}

const isTimeout = (error: unknown) => error instanceof ClickHouseError && TOO_LONG.has(error.code);

type Row = Omit<CallSummary, 'at' | 'hold_id' | 'status'> & {
  readonly at_ms: string | number;
  readonly hold_id: string;
  readonly status: number;
  readonly running: number | boolean;
};

function summarise({ at_ms, hold_id, status, running, took_ms, ...row }: Row): CallSummary {
  return {
    ...row,
    at: iso(Number(at_ms)),
    hold_id: hold_id === '' ? null : hold_id,
    status: running ? null : status,
    // ClickHouse writes whole numbers of 64 bits as text, so that no parser rounds them.
    took_ms: Number(took_ms),
  };
}
