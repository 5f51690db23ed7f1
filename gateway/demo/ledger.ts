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
  count() AS steps
FROM holdpoint.events
WHERE agent = 'billing-bot'
GROUP BY call_id
ORDER BY min(at)`;

/** One row per call of the demo's agent, from every step that ClickHouse has by now. */
export async function readLedger(query: Query): Promise<readonly Readonly<Record<string, string>>[]> {
  const rows = await query(CALLS);
  return rows.map((row) =>
    Object.fromEntries(Object.entries(row).map(([name, value]) => [name.replace('_', ' '), String(value)])),
  );
}
