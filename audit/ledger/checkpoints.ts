import type { ClickHouseClient } from '@clickhouse/client';
import type { Checkpoint } from './ledger.ts';

type Row = Readonly<Record<keyof Checkpoint | 'at_ms', string | number>>;

/** The checkpoints of one chain in order, each once. */
export async function readCheckpoints(client: ClickHouseClient, chain: string): Promise<readonly Checkpoint[]> {
  const result = await client.query({
    query: `
      SELECT DISTINCT toString(chain) AS chain, toString(node) AS node, toUnixTimestamp64Milli(at) AS at_ms,
        first, seq, prev, hash, toString(key) AS key, signature
      FROM holdpoint.checkpoints
      WHERE chain = {chain:String}
      ORDER BY seq, first`,
    query_params: { chain },
    format: 'JSONEachRow',
  });
  const checkpoints: Checkpoint[] = [];
  for await (const page of result.stream<Row>()) {
    for (const each of page) {
      const { at_ms, first, seq, ...text } = each.json<Row>();
      checkpoints.push({ ...(text as Checkpoint), at: Number(at_ms), first: Number(first), seq: Number(seq) });
    }
  }
  return checkpoints;
}

/** Every chain with an event or a checkpoint in ClickHouse: see `Extent`. */
export async function readExtents(client: ClickHouseClient): Promise<ReadonlyMap<string, Extent>> {
  const result = await client.query({
    query: `
      SELECT name, max(last) AS last, sum(rows) AS rows, toUnixTimestamp64Milli(min(since)) AS since_ms FROM (
        SELECT toString(chain) AS name, max(seq) AS last, count() AS rows, min(shipped_at) AS since
        FROM holdpoint.events GROUP BY name
        UNION ALL
        SELECT toString(chain) AS name, max(seq) AS last, 0 AS rows, min(at) AS since
        FROM holdpoint.checkpoints GROUP BY name
      )
      GROUP BY name`,
    format: 'JSONEachRow',
  });
  const rows = await result.json<Record<'name' | 'last' | 'rows' | 'since_ms', string | number>>();
  return new Map(
    rows.map(({ name, last, rows: count, since_ms }) => [
      String(name),
      { last: Number(last), rows: Number(count), since: Number(since_ms) },
    ]),
  );
}

/** A chain's last number, its number of rows, and the arrival of the first, milliseconds since the epoch. */
export type Extent = { readonly last: number; readonly rows: number; readonly since: number };
