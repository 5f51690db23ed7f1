import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { statements } from '../../../audit/clickhouse/migrate.ts';
import { renderSchema } from '../../../audit/clickhouse/schema-template.ts';
import { openWarehouse, type Warehouse } from './warehouse.ts';

const SCHEMA = join(import.meta.dirname, '../../../audit/clickhouse/schema');
const templates = readdirSync(SCHEMA)
  .sort()
  .map((file) => ({ file, template: readFileSync(join(SCHEMA, file), 'utf8') }));
const rendered = (cluster: string | undefined) =>
  templates.flatMap(({ template }) => statements(renderSchema(template, cluster)));

let warehouse: Warehouse;
beforeAll(async () => {
  warehouse = await openWarehouse();
});
afterAll(() => warehouse[Symbol.asyncDispose]());

/** The statement as the engine itself writes it, which it can only after it has parsed it. */
async function parsed(statement: string): Promise<string> {
  const [row] = await warehouse.select<{ q: string }>('SELECT formatQuery({statement:String}) AS q', { statement });
  return row!.q;
}

// There is no cluster to try it on here: what the engine's own parser reads is all that is known of it.
test('the engine reads the schema of a cluster as replicated tables with a table over all shards', async () => {
  const texts = [];
  for (const statement of rendered('main')) texts.push(await parsed(statement));
  await expect(`${texts.join(';\n\n')};\n`).toMatchFileSnapshot('./__snapshots__/schema-cluster.sql');
});

test('every statement for a cluster names it, stores rows replicated and finds them in tables over all shards', () => {
  const all = rendered("it's");
  expect(all.filter((statement) => !statement.includes(String.raw`ON CLUSTER 'it\'s'`))).toEqual([]);
  const tables = all.filter((statement) => statement.startsWith('CREATE TABLE'));
  const name = (statement: string) => /holdpoint\.(\w+)/.exec(statement)![1]!;
  const local = tables.filter((statement) => name(statement).endsWith('_local'));
  expect(local.map(name)).toEqual(
    ['events', 'checkpoints', 'call_states', 'hold_states', 'minute_states'].map((table) => `${table}_local`),
  );
  for (const statement of local) {
    expect(statement).toMatch(/ENGINE = Replicated\w+\('[^']*\{shard\}[^']*', '\{replica\}'\)/);
    expect(statement).toMatch(/ replicated_deduplication_window = /);
    expect(tables.some((other) => other.includes(`Distributed('it\\'s', holdpoint, ${name(statement)}`))).toBe(true);
  }
  for (const statement of all.filter((one) => one.startsWith('CREATE MATERIALIZED VIEW'))) {
    expect(statement).toMatch(/TO holdpoint\.\w+_local AS/);
    expect(statement).toMatch(/FROM holdpoint\.events_local\b/);
  }
});

test('the schema of one server has no cluster, replica or placeholder', async () => {
  for (const statement of rendered(undefined)) {
    expect(statement).not.toMatch(/\{\{|ON CLUSTER|Replicated|Distributed|_local/);
    await parsed(statement);
  }
});
