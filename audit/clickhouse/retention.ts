import type { ClickHouseClient } from '@clickhouse/client';
import { localTable, onCluster } from './schema-template.ts';

/** How long rows of a table are kept, in milliseconds, at most 50 years (see `retention` in the configuration); null: for ever. */
export type Retention = Readonly<Record<'events' | 'calls' | 'holds' | 'minutes', number | null>>;

/** Which table holds the rows, and from which of its times on they are kept. */
const KEPT: Readonly<Record<keyof Retention, { table: string; from: string }>> = {
  events: { table: 'events', from: 'shipped_at' },
  calls: { table: 'call_states', from: 'at' },
  holds: { table: 'hold_states', from: 'opened_at' },
  minutes: { table: 'minute_states', from: 'minute' },
};

/**
 * Lets ClickHouse delete what is older than `retention`, a part of a month at a time. Changes the tables only where they
 * say something else.
 */
export async function applyRetention(
  client: ClickHouseClient,
  retention: Retention,
  cluster: string | undefined,
): Promise<void> {
  for (const [name, { table, from }] of Object.entries(KEPT)) {
    const keep = retention[name as keyof Retention];
    const local = localTable(table, cluster);
    const now = await timeToLive(client, local);
    const wanted = keep === null ? null : `toDateTime(${from}) + toIntervalSecond(${Math.round(keep / 1000)})`;
    if (now === wanted) continue;
    const change = wanted === null ? 'REMOVE TTL' : `MODIFY TTL ${wanted}`;
    await client.command({ query: `ALTER TABLE ${local} ${onCluster(cluster)} ${change}` });
  }
}

/** What the table says of how long its rows are kept, as ClickHouse writes it; null when it says nothing. */
async function timeToLive(client: ClickHouseClient, table: string): Promise<string | null> {
  const result = await client.query({
    query: `SELECT extract(engine_full, ' TTL (.+?) SETTINGS ') AS ttl FROM system.tables
      WHERE concat(database, '.', name) = {table:String}`,
    query_params: { table },
    format: 'JSONEachRow',
  });
  const [row] = await result.json<{ ttl: string }>();
  return row?.ttl || null;
}
