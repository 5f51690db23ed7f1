/** How many bytes an event takes on disk, and would take in other ways: `node bench/audit/storage.ts --help`. */
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { createClient, type ClickHouseClient } from '@clickhouse/client';
import { EVENT_COLUMNS } from '../../audit/clickhouse/event-columns.ts';
import { migrate } from '../../audit/clickhouse/migrate.ts';
import { startEmbedded } from '../../audit/clickhouse/start-embedded.ts';
import { dataFolder } from '../../gateway/process/data-folder.ts';
import { markdownTable } from '../markdown-table.ts';
import { writeYear } from '../year/write-year.ts';

/** The engine's, in bytes: merging everything at once wants more than a gateway gives it. */
const MEMORY = 4 * 1024 ** 3;

const TABLES = ['events', 'checkpoints', 'call_states', 'hold_states', 'minute_states'];

/** Other ways to keep the same events: the order of rows, and what is written instead of a column's codec. */
const ALTERNATIVES: readonly { name: string; order: string; codec?: (definition: string) => string }[] = [
  { name: 'as it is', order: 'agent, system, operation, call_id, at, event_id' },
  { name: 'by time', order: 'agent, system, at, event_id' },
  { name: 'by call', order: 'agent, system, call_id, at, event_id' },
  { name: 'by call alone', order: 'call_id, at, event_id' },
  { name: 'all ZSTD(3)', order: 'agent, system, operation, call_id, at, event_id', codec: zstd(3) },
  { name: 'all ZSTD(9)', order: 'agent, system, operation, call_id, at, event_id', codec: zstd(9) },
  {
    name: 'all LZ4',
    order: 'agent, system, operation, call_id, at, event_id',
    codec: (text) => text.replace(/ZSTD\(\d+\)/, 'LZ4'),
  },
];

function zstd(level: number): (definition: string) => string {
  return (text) => text.replace(/ZSTD\(\d+\)/, `ZSTD(${level})`);
}

type Size = { readonly name: string; readonly rows: string; readonly bytes: string };

async function measure(client: ClickHouseClient): Promise<void> {
  const select = async <Row>(query: string): Promise<Row[]> =>
    (await client.query({ query, format: 'JSONEachRow' })).json<Row>();
  const run = (query: string) => client.command({ query });
  for (const table of TABLES) await run(`OPTIMIZE TABLE holdpoint.${table} FINAL`);
  const sizes = (by: string, from: string, where: string) =>
    select<Size>(
      `SELECT ${by} AS name, toString(sum(rows)) AS rows, toString(sum(${from === 'parts' ? 'bytes_on_disk' : 'column_data_compressed_bytes'})) AS bytes
      FROM system.${from} WHERE active AND database = 'holdpoint' AND ${where} GROUP BY name ORDER BY toUInt64(bytes) DESC`,
    );
  const tables = await sizes('table', 'parts', `table IN ('${TABLES.join(`', '`)}')`);
  const events = Number(tables.find(({ name }) => name === 'events')?.rows ?? 0);
  const each = ({ name, rows, bytes }: Size) => [
    name,
    Number(rows).toLocaleString('en'),
    (Number(bytes) / events).toFixed(2),
  ];
  const print = (of: string, rows: Size[]) =>
    process.stdout.write(`${markdownTable([of, 'rows', 'bytes per event'], rows.map(each))}\n\n`);
  print('table', tables);
  print('column of events', (await sizes('column', 'parts_columns', `table = 'events'`)).slice(0, 20));

  const columns = EVENT_COLUMNS.map(({ name }) => name).join(', ');
  const own = 'chain, seq, hash, shipped_at';
  const rows: Size[] = [];
  for (const { name, order, codec = (text: string) => text } of ALTERNATIVES) {
    const definitions = [
      ...EVENT_COLUMNS.map((column) => `${column.name} ${codec(column.definition)}`),
      'chain LowCardinality(String) CODEC(ZSTD(1))',
      'seq UInt64 CODEC(Delta, ZSTD(1))',
      'hash String CODEC(ZSTD(3))',
      "shipped_at DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1))",
    ];
    await run('DROP TABLE IF EXISTS holdpoint.storage SYNC');
    await run(
      `CREATE TABLE holdpoint.storage (${definitions.join(', ')}) ENGINE = MergeTree
      PARTITION BY toYYYYMM(shipped_at) ORDER BY (${order})`,
    );
    await run(`INSERT INTO holdpoint.storage SELECT ${columns}, ${own} FROM holdpoint.events`);
    await run('OPTIMIZE TABLE holdpoint.storage FINAL');
    const [size] = await sizes(`'${name}'`, 'parts', `table = 'storage'`);
    rows.push(size!);
    process.stderr.write(`${each(size!).join('  ')}\n`);
  }
  await run('DROP TABLE holdpoint.storage SYNC');
  print('kept another way', rows);
}

const HELP = `node bench/audit/storage.ts --data DIR [--events N]

  --data DIR     where the year is (bench/year), or will be written to
  --events N     how many events to write when there are none (1,000,000)
`;

const { values } = parseArgs({
  options: { data: { type: 'string' }, events: { type: 'string', default: '1000000' }, help: { type: 'boolean' } },
});
if (values.data === undefined || values.help) process.stdout.write(HELP);
else {
  const { clickhouse } = dataFolder(values.data);
  if (!existsSync(join(clickhouse, 'metadata'))) await writeYear({ data: values.data, events: Number(values.events) });
  const { child, ...address } = await startEmbedded({ path: clickhouse, memory: MEMORY });
  const { url, username, password } = address;
  // A merge of everything at once takes longer than anything that a gateway asks for.
  const client = createClient({ url, username, password, request_timeout: 600_000 });
  try {
    await migrate(client);
    await measure(client);
  } finally {
    await client.close();
    const ended = once(child, 'exit');
    child.kill();
    await ended;
  }
}
