import type { ClickHouseClient } from '@clickhouse/client';
import type { Clock } from '../../gateway/domain/clock.ts';
import { firstIdSince } from '../../gateway/domain/id.ts';
import type { PastDecision, ReviewRecord } from '../../gateway/domain/review-record.ts';
import { eventOfRow, ROW_COLUMNS, type EventRow } from '../clickhouse/event-row.ts';

const DAYS = 30;

// The first columns are those by which events are sorted, so that few are read.
const STEPS = `
  SELECT ${ROW_COLUMNS} FROM holdpoint.events
  WHERE agent = {agent:String} AND system = {system:String} AND call_id = {call:String} AND hold_id = {hold:String}
    AND type LIKE 'hold.%'
  ORDER BY at, chain, seq
  LIMIT 1000
  SETTINGS max_execution_time = 2`;

// An event arrives after it happened, and partitions are months of the arrival: those before the period are not read.
const LATELY = `
  at >= fromUnixTimestamp64Milli({since:Int64}) AND shipped_at >= fromUnixTimestamp64Milli({since:Int64}) - INTERVAL 1 DAY`;

// One row for each hold, and identifiers begin with their time, so that only those of the period are read: steps are many
// times as many, and no order of theirs finds an agent, an operation and a rule. More threads would cost more than they
// save. A grant approves without a review, so its approvals say nothing about how people judge. What policy or an operator
// took back later does not count as decided.
const NUMBERS = `
WITH held AS (
  SELECT
    hold_id, decision,
    system = {system:String} AND operation = {operation:String} AS alike,
    agent = {agent:String} AS same_agent,
    has(rules, {rule:String}) AS same_rule,
    multiIf(
      tupleElement(decision, 'kind') != 'reviewer', '',
      tupleElement(state, 'status') IN ('rejected', 'taken-over'), tupleElement(state, 'status'),
      tupleElement(state, 'status') NOT IN ('approved', 'lapsed'), '',
      edits > 0, 'edited',
      'approved') AS result,
    result != '' AS decided,
    result = 'approved' AS unchanged
  FROM holdpoint.hold_states FINAL
  WHERE hold_id >= {from:String} AND opened_at >= fromUnixTimestamp64Milli({since:Int64}) AND hold_id != {hold:String}
    AND (alike OR same_agent OR same_rule)
)
SELECT
  countIf(alike AND decided) AS similar_decided,
  countIf(alike AND unchanged) AS similar_unchanged,
  countIf(same_agent AND decided) AS agent_decided,
  countIf(same_agent AND unchanged) AS agent_unchanged,
  countIf(same_rule) AS rule_hits,
  countIf(same_rule AND decided) AS rule_decided,
  countIf(same_rule AND result IN ('approved', 'edited')) AS rule_approved,
  arraySlice(
    arrayReverseSort(
      groupArrayIf(
        (
          toUnixTimestamp64Milli(tupleElement(decision, 'at')), hold_id, tupleElement(decision, 'actor'),
          tupleElement(decision, 'held_ms'), result
        ),
        alike AND decided)),
    1, 5) AS last
FROM held
SETTINGS max_execution_time = 2, max_threads = 1`;

const OWN = `
WITH held AS (
  SELECT
    hold_id,
    argMaxIf((type, held_ms), at, type != 'hold.edited') AS decision,
    tupleElement(decision, 1) = 'hold.voted' AS approved,
    tupleElement(decision, 2) AS took,
    countIf(type = 'hold.edited') > 0 AS edited
  FROM holdpoint.events
  WHERE ${LATELY}
    AND (type = 'hold.edited'
      OR (type IN ('hold.voted', 'hold.rejected', 'hold.taken-over') AND actor = {reviewer:String}
        AND actor_kind = 'reviewer'))
  GROUP BY hold_id
  HAVING tupleElement(decision, 1) != ''
)
SELECT
  count() AS decisions,
  countIf(approved AND NOT edited) AS unchanged,
  countIf(approved AND took < 5000) AS fast,
  if(decisions = 0, NULL, quantileExact(0.5)(took)) AS median
FROM held
SETTINGS max_execution_time = 2`;

/** ClickHouse writes whole numbers of 64 bits as text, so that no parser rounds them. */
type Count = string | number;

type NumbersRow = Readonly<
  Record<
    | 'similar_decided'
    | 'similar_unchanged'
    | 'agent_decided'
    | 'agent_unchanged'
    | 'rule_hits'
    | 'rule_decided'
    | 'rule_approved',
    Count
  >
> & { readonly last: readonly (readonly [at: Count, hold: string, by: string, took: Count, result: string])[] };

type OwnRow = Readonly<Record<'decisions' | 'unchanged' | 'fast', Count>> & { readonly median: Count | null };

export function createReviewRecord(client: ClickHouseClient, clock: Clock = Date.now): ReviewRecord {
  async function ask<Row>(query: string, query_params: Record<string, unknown>, signal: AbortSignal): Promise<Row[]> {
    const result = await client.query({ query, query_params, format: 'JSONEachRow', abort_signal: signal });
    return await result.json<Row>();
  }
  const since = () => clock() - DAYS * 86_400_000;

  return {
    steps: async (of, signal) => (await ask<EventRow>(STEPS, { ...of }, signal)).map(eventOfRow),
    async numbers(of, signal) {
      const begin = since();
      const [row] = await ask<NumbersRow>(NUMBERS, { ...of, since: begin, from: firstIdSince('hold', begin) }, signal);
      const { last, ...counts } = row!;
      const count = (name: keyof typeof counts) => Number(counts[name]);
      return {
        similar: {
          decided: count('similar_decided'),
          unchanged: count('similar_unchanged'),
          last: last.map(([at, hold, by, took, result]) => {
            return { at: Number(at), hold, by, took: Number(took), result: result as PastDecision['result'] };
          }),
        },
        agent: { decided: count('agent_decided'), unchanged: count('agent_unchanged') },
        rule: { hits: count('rule_hits'), decided: count('rule_decided'), approved: count('rule_approved') },
      };
    },
    async own(reviewer, signal) {
      const [row] = await ask<OwnRow>(OWN, { reviewer, since: since() }, signal);
      const { decisions, unchanged, fast, median } = row!;
      return {
        decisions: Number(decisions),
        unchanged: Number(unchanged),
        underFiveSeconds: Number(fast),
        median: median === null ? null : Number(median),
      };
    },
  };
}
