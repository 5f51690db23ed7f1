/** Runs one read-only statement in ClickHouse. */
export type Query = (sql: string) => Promise<readonly Readonly<Record<string, unknown>>[]>;

const CALLS = `
SELECT
  argMinIf(operation, at, type = 'call.decided') AS operation,
  argMinIf(verdict, at, type = 'call.decided') AS verdict,
  argMinIf(rules, at, type = 'call.decided')[1] AS rule,
  any(owner) AS owner,
  maxIf(actor, type = 'hold.approved') AS approved_by,
  maxIf(status, type = 'call.completed') AS status,
  count() AS steps,
  verdict = 'hold' AND countIf(type IN ('hold.executed', 'hold.failed', 'hold.indeterminate', 'hold.rejected',
    'hold.taken-over', 'hold.expired', 'hold.cancelled')) = 0 OR status = 0 AS unfinished
FROM holdpoint.events
WHERE agent IN ('billing-bot', 'stock-bot')
GROUP BY call_id
HAVING NOT startsWith(operation, 'mcp:')
ORDER BY min(at)`;

/** One row for each call of an API or a tool by the demo's agents, from the events that are in ClickHouse so far. */
export async function readLedger(query: Query): Promise<{
  readonly rows: readonly Readonly<Record<string, string>>[];
  /** The number of calls with events still to come; those of calls and of holds are shipped separately. */
  readonly unfinished: number;
}> {
  const read = await query(CALLS);
  const rows = read.map((row) => {
    const shown = Object.entries(row).filter(([name]) => name !== 'unfinished');
    return Object.fromEntries(shown.map(([name, value]) => [name.replace('_', ' '), String(value)]));
  });
  return { rows, unfinished: read.filter(({ unfinished }) => Number(unfinished) > 0).length };
}
