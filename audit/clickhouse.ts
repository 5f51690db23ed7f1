import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ClickHouseClient } from '@clickhouse/client';
import { ClickHouseLogLevel, createClient } from '@clickhouse/client';

export type ClickHouseAddress = {
  readonly url: string;
  readonly username?: string;
  readonly password?: string;
  readonly database?: string;
};

const SCHEMA = join(import.meta.dirname, 'schema');

/** A client for the ClickHouse at `address`, a server or the embedded engine alike. Connects when first used. */
export function connectClickHouse(address: ClickHouseAddress): ClickHouseClient {
  return createClient({
    ...address,
    application: 'holdpoint',
    request_timeout: 30_000,
    max_open_connections: 4,
    // Below the servers' own limits (3 s and more): a socket that the other side has just closed fails a request.
    keep_alive: { enabled: true, idle_socket_ttl: 2000 },
    // Failures are thrown and reported by whoever asked.
    log: { level: ClickHouseLogLevel.OFF },
  });
}

/**
 * Brings the database `holdpoint` to the newest schema: applies the files of `audit/schema` that
 * `holdpoint.schema_migrations` does not name yet, in order. Every statement in them can be repeated, so a crash in
 * between, or two nodes at once, do no harm.
 * @returns names of the files applied.
 */
export async function migrate(client: ClickHouseClient): Promise<string[]> {
  await client.command({ query: 'CREATE DATABASE IF NOT EXISTS holdpoint' });
  await client.command({
    query: `CREATE TABLE IF NOT EXISTS holdpoint.schema_migrations (
      name String, applied_at DateTime64(3, 'UTC') DEFAULT now64(3)
    ) ENGINE = MergeTree ORDER BY name`,
  });
  const known = await client.query({
    query: 'SELECT DISTINCT name FROM holdpoint.schema_migrations',
    format: 'JSONEachRow',
  });
  const done = new Set((await known.json<{ name: string }>()).map(({ name }) => name));
  const files = (await readdir(SCHEMA)).filter((file) => file.endsWith('.sql')).sort();
  const applied = files.filter((file) => !done.has(file));
  for (const file of applied) {
    for (const query of statements(await readFile(join(SCHEMA, file), 'utf8'))) await client.command({ query });
    await client.command({
      query: 'INSERT INTO holdpoint.schema_migrations (name) SELECT {name:String}',
      query_params: { name: file },
    });
  }
  return applied;
}

/** ClickHouse takes one statement at a time over HTTP. In our files each ends with a semicolon at the end of a line. */
function statements(sql: string): string[] {
  return sql
    .replaceAll(/^\s*--.*$/gm, '')
    .split(/;\s*$/m)
    .map((statement) => statement.trim())
    .filter((statement) => statement !== '');
}
