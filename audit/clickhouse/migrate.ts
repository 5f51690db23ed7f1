import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ClickHouseClient } from '@clickhouse/client';
import { EVENT_COLUMNS } from './event-columns.ts';
import { applyRetention, type Retention } from './retention.ts';
import { localTable, onCluster, renderSchema } from './schema-template.ts';

export type MigrateOptions = {
  /** The name of a cluster in the servers' configuration; absent: one server, or the embedded engine. */
  readonly cluster?: string | undefined;
  /** How long rows are kept; absent: as it is. */
  readonly retention?: Retention | undefined;
};

/** Another version of this program made the tables; `message` is for the operator. */
export class SchemaUnknown extends Error {}

const SCHEMA = join(import.meta.dirname, 'schema');
const BOOKS = '0000-migrations.sql';
const VIEWS = 'views.sql';

/**
 * Brings the database `holdpoint` to the newest schema: the numbered templates of `audit/clickhouse/schema` that
 * `holdpoint.schema_migrations` does not name yet, or of which a table is missing, in order; columns for fields of events that are new; the views, when
 * they are others than before; and how long rows are kept.
 *
 * Every statement can be repeated and is recorded after it was carried out, so a crash in between, or two gateways at
 * once, do no harm.
 * @returns what was applied, by name
 * @throws SchemaUnknown when the tables were made by a version that is newer, or too old
 */
export async function migrate(client: ClickHouseClient, options: MigrateOptions = {}): Promise<string[]> {
  const { cluster, retention } = options;
  const execute = async (sql: string) => {
    for (const query of statements(sql)) await client.command({ query });
  };
  const record = (name: string) =>
    client.command({
      query: 'INSERT INTO holdpoint.schema_migrations (name) SELECT {name:String}',
      query_params: { name },
    });

  await execute(renderSchema(await template(BOOKS), cluster));
  const done = new Set(await select(client, 'SELECT DISTINCT name FROM holdpoint.schema_migrations'));
  const files = (await readdir(SCHEMA)).filter((file) => /^\d{4}-.*\.sql$/.test(file) && file !== BOOKS).sort();
  refuseUnknown([...done].filter((name) => name.endsWith('.sql') && !files.includes(name)));

  const tables = new Set(await select(client, `SELECT name FROM system.tables WHERE database = 'holdpoint'`));
  const isApplied = (name: string, sql: string) => done.has(name) && createdBy(sql).every((table) => tables.has(table));

  const applied: string[] = [];
  for (const file of files) {
    const sql = renderSchema(await template(file), cluster);
    if (isApplied(file, sql)) continue;
    await execute(sql);
    await record(file);
    applied.push(file);
  }
  applied.push(...(await addColumns(client, cluster)));

  const views = renderSchema(await template(VIEWS), cluster);
  const digest = createHash('sha256').update(views).digest('hex').slice(0, 16);
  if (!isApplied(`views-${digest}`, views)) {
    await execute(views);
    await record(`views-${digest}`);
    applied.push(VIEWS);
  }
  if (retention) await applyRetention(client, retention, cluster);
  return applied;
}

function refuseUnknown(names: readonly string[]): void {
  if (names.length === 0) return;
  throw new SchemaUnknown(
    `The tables in ClickHouse were made by another version of Holdpoint (${names.join(', ')}). Use that version or a ` +
      'newer one; or, to begin anew and keep what is there, rename the database: ' +
      'RENAME DATABASE holdpoint TO holdpoint_earlier (of the embedded engine: move its folder `clickhouse` in `data` away).',
  );
}

/** Adds columns for fields that are new since the table was made. @returns `<table>.<column>` of each */
async function addColumns(client: ClickHouseClient, cluster: string | undefined): Promise<string[]> {
  const added: string[] = [];
  // First where rows are; the table in front of them promises what they have.
  for (const table of new Set([localTable('events', cluster), 'holdpoint.events'])) {
    const query = `SELECT name FROM system.columns WHERE database = 'holdpoint' AND concat('holdpoint.', table) = '${table}'`;
    const there = new Set(await select(client, query));
    let previous = '';
    for (const { name, definition } of EVENT_COLUMNS) {
      if (!there.has(name)) {
        const place = previous === '' ? 'FIRST' : `AFTER ${previous}`;
        await client.command({
          query: `ALTER TABLE ${table} ${onCluster(cluster)} ADD COLUMN IF NOT EXISTS ${name} ${definition} ${place}`,
        });
        added.push(`${table}.${name}`);
      }
      previous = name;
    }
  }
  return added;
}

/** The tables and views that statements create, without the name of the database. */
function createdBy(sql: string): string[] {
  const created = sql.matchAll(
    /^CREATE (?:OR REPLACE )?(?:MATERIALIZED )?(?:TABLE|VIEW) (?:IF NOT EXISTS )?holdpoint\.(\w+)/gm,
  );
  return [...created].map(([, name]) => name!);
}

async function template(file: string): Promise<string> {
  return await readFile(join(SCHEMA, file), 'utf8');
}

async function select(client: ClickHouseClient, query: string): Promise<string[]> {
  const result = await client.query({ query, format: 'JSONEachRow' });
  return (await result.json<{ name: string }>()).map(({ name }) => name);
}

/** ClickHouse takes one statement at a time over HTTP. In our files each ends with a semicolon at the end of a line. */
export function statements(sql: string): string[] {
  return sql
    .replaceAll(/^\s*--.*$/gm, '')
    .split(/;\s*$/m)
    .map((statement) => statement.trim())
    .filter((statement) => statement !== '');
}
