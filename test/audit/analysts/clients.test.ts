import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ClickHouseLogLevel, createClient } from '@clickhouse/client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { pythonWith } from '../../helpers/python.ts';
import { readBlocks } from './read-blocks.ts';
import { startQueryEndpoint, type TestQueryEndpoint } from './start-query-endpoint.ts';

const run = promisify(execFile);

let endpoint: TestQueryEndpoint;
let python: string;

beforeAll(async () => {
  [endpoint, python] = await Promise.all([
    startQueryEndpoint(),
    pythonWith(['clickhouse-connect==1.12.0', 'lz4==4.4.5']),
  ]);
}, 300_000);
afterAll(() => endpoint[Symbol.asyncDispose]());

test('curl queries the endpoint as it queries a server', async () => {
  const curl = async (...more: string[]) =>
    (await run('curl', ['--silent', '--show-error', '--user', `${endpoint.user}:${endpoint.token}`, ...more])).stdout;
  expect(await curl(`${endpoint.url}/?query=SELECT+count()+FROM+events`)).toBe('1000\n');
  expect(await curl(endpoint.url, '--data-binary', 'SELECT uniqExact(agent) FROM events FORMAT CSV')).toBe('5\n');
  expect(await curl(`${endpoint.url}/?param_n=3`, '--data', 'SELECT max(seq) FROM events WHERE seq < {n:UInt8}')).toBe(
    '2\n',
  );
  expect(await curl('--compressed', endpoint.url, '--data', 'SELECT agent FROM events WHERE seq = 7')).toBe('bot-2\n');
  expect(await curl(endpoint.url, '--form', 'query=SELECT {n:UInt8}', '--form', 'param_n=4')).toBe('4\n');
  expect(await curl(endpoint.url, '--data', 'DROP TABLE events')).toContain('(READONLY)');
});

test('@clickhouse/client queries the endpoint as it queries a server', async () => {
  const client = createClient({
    url: endpoint.url,
    username: endpoint.user,
    password: endpoint.token,
    database: 'holdpoint',
    compression: { response: true, request: false },
    clickhouse_settings: { output_format_json_quote_64bit_integers: 0, max_execution_time: 120 },
    session_id: 'mine',
    log: { level: ClickHouseLogLevel.OFF },
  });
  expect(await client.ping()).toEqual({ success: true });
  expect(await client.ping({ select: true })).toEqual({ success: true });
  const rows = await client.query({
    query: 'SELECT seq, agent, rules FROM events WHERE agent = {agent:String} AND has({seqs:Array(UInt64)}, seq)',
    query_params: { agent: 'bot-1', seqs: [1, 6, 7] },
    format: 'JSONEachRow',
  });
  expect(await rows.json()).toEqual([
    { seq: 1, agent: 'bot-1', rules: ['payments/small', 'rule-1'] },
    { seq: 6, agent: 'bot-1', rules: ['payments/small', 'rule-0'] },
  ]);
  const streamed = await client.query({ query: 'SELECT number FROM numbers(100000)', format: 'JSONCompactEachRow' });
  let count = 0;
  for await (const chunk of streamed.stream()) count += chunk.length;
  expect(count).toBe(100_000);
  await expect(client.query({ query: 'SELECT * FROM nowhere' })).rejects.toMatchObject({
    code: '60',
    type: 'UNKNOWN_TABLE',
  });
  await expect(client.insert({ table: 'events', values: [{ seq: 1 }], format: 'JSONEachRow' })).rejects.toMatchObject({
    code: '164',
    type: 'READONLY',
  });
  await client.close();
});

test('clickhouse-connect reads Native, Arrow and Parquet, with each of its compressions', async () => {
  const { stdout } = await run(python, [
    join(import.meta.dirname, 'connect.py'),
    endpoint.url,
    endpoint.user,
    endpoint.token,
  ]);
  expect(JSON.parse(stdout)).toEqual({
    database: 'holdpoint',
    protocol: 54_405,
    rows: [
      ['bot-0', 200, ['payments/small', 'rule-0'], 0],
      ['bot-1', 200, ['payments/small', 'rule-1'], null],
    ],
    parameters: ["it's\n", [1, 2]],
    compressions: { zstd: 100_000, lz4: 100_000, gzip: 100_000, deflate: 100_000, none: 100_000 },
    magic: { Parquet: 'PAR1', Arrow: 'ARRO' },
    tables: ['events', 'minutes'],
    refused: ['164', '497', '60'],
  });
});

/** What Grafana's ClickHouse data source sends by clickhouse-go, its driver, and for its editor and its variables. */
const GRAFANA = [
  'SELECT displayName(), version(), revision(), timezone()',
  'SELECT version()',
  'SELECT 1',
  'SHOW DATABASES',
  'SHOW TABLES FROM "holdpoint"',
  'DESC TABLE "holdpoint"."events"',
  `SELECT name, is_aggregate, case_insensitive, alias_to, origin, description, syntax, arguments, returned_value,
    examples, categories FROM system.functions LIMIT 10000`,
  "SELECT name, database, table FROM system.columns WHERE database = 'holdpoint'",
  'SELECT DISTINCT agent FROM holdpoint.events LIMIT 1000',
  `SELECT toStartOfInterval(toDateTime(at), INTERVAL 60 second) as "time", agent, count(*) FROM "holdpoint"."events"
    WHERE at >= toDateTime(1793491200) AND at <= toDateTime(1793494800) GROUP BY agent, time ORDER BY time ASC LIMIT 1000`,
  `SELECT at as "timestamp", input as "body" FROM "holdpoint"."events" WHERE ( timestamp >= fromUnixTimestamp64Milli(1793491200000)
    AND timestamp <= fromUnixTimestamp64Milli(1793494800000) ) ORDER BY timestamp DESC LIMIT 1000`,
  "SELECT count() FROM events settings additional_table_filters={'events' : ' agent = \\'bot-1\\' '}",
];

test("Grafana's data source queries the endpoint as it queries a server", async () => {
  const search =
    '?client_protocol_version=54460&database=holdpoint&default_format=Native&limit=100000&max_execution_time=64';
  for (const sql of GRAFANA) {
    const answer = await endpoint.query(sql, search);
    const bytes = Buffer.from(await answer.arrayBuffer());
    expect({ sql, ok: answer.ok || bytes.toString() }).toEqual({ sql, ok: true });
    expect(bytes.length).toBeGreaterThan(0);
    expect(answer.headers.get('x-clickhouse-format')).toBe('Native');
  }
});

test("DBeaver's JDBC driver queries the endpoint as it queries a server", async () => {
  // What the JDBC driver (clickhouse-jdbc 0.9.4) sent when it connected, read all metadata and ran queries.
  type Recorded = { path: string; headers: Record<string, string>; body: string };
  const requests = JSON.parse(await readFile(join(import.meta.dirname, 'jdbc-requests.json'), 'utf8')) as Recorded[];
  expect(requests.length).toBeGreaterThan(10);
  for (const { path, headers, body } of requests) {
    const answer = await endpoint.ask(path, { method: 'POST', headers, body });
    const blocks = Buffer.from(await answer.arrayBuffer());
    expect({ body, ok: answer.ok || blocks.toString() }).toEqual({ body, ok: true });
    expect(answer.headers.get('x-clickhouse-format')).toBe('RowBinaryWithNamesAndTypes');
    // Number of columns, then the length of the first one's name.
    expect(
      readBlocks(blocks)
        .subarray(0, 2)
        .every((byte) => byte > 0),
    ).toBe(true);
  }
});
