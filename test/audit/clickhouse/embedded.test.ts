import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { connectClickHouse } from '../../../audit/clickhouse/clickhouse.ts';
import type { Embedded } from '../../../audit/clickhouse/start-embedded.ts';
import { startEmbedded } from '../../../audit/clickhouse/start-embedded.ts';
import { temporaryFolder } from '../events.ts';

let data: Awaited<ReturnType<typeof temporaryFolder>>;
let embedded: Embedded;

beforeAll(async () => {
  data = await temporaryFolder();
  embedded = await startEmbedded({ path: join(data.path, 'clickhouse') });
});

afterAll(async () => {
  const exited = once(embedded.child, 'exit');
  embedded.child.kill('SIGTERM');
  await exited;
  await data[Symbol.asyncDispose]();
});

/** Sends one request as another client than ours would. */
function ask(path: string, init: RequestInit = {}): Promise<Response> {
  const authorization = `Basic ${Buffer.from(`${embedded.username}:${embedded.password}`).toString('base64')}`;
  return fetch(`${embedded.url}${path}`, { ...init, headers: { authorization, ...init.headers } });
}

test('speaks to @clickhouse/client as a server does', async () => {
  const client = connectClickHouse(embedded);
  expect(await client.ping()).toEqual({ success: true });
  expect(await client.ping({ select: true })).toEqual({ success: true });
  await client.command({ query: 'CREATE TABLE IF NOT EXISTS t (n UInt32, s String) ENGINE = MergeTree ORDER BY n' });
  await client.insert({ table: 't', values: [{ n: 1, s: `it's; "one"\n` }], format: 'JSONEachRow' });
  const rows = await client.query({
    query: 'SELECT n, s FROM t WHERE s = {s:String} AND n IN {ns:Array(UInt32)} AND has({ss:Array(String)}, s)',
    query_params: { s: `it's; "one"\n`, ns: [1, 2], ss: [`it's; "one"\n`, "'"] },
    format: 'JSONEachRow',
  });
  expect(await rows.json()).toEqual([{ n: 1, s: `it's; "one"\n` }]);
  const json = await client.query({ query: 'SELECT 1 AS one', format: 'JSON' });
  expect(await json.json()).toMatchObject({ data: [{ one: 1 }], rows: 1 });
  await expect(client.query({ query: 'SELECT nothing FROM nowhere' })).rejects.toMatchObject({
    code: '60',
    type: 'UNKNOWN_TABLE',
  });
  await client.close();
});

test('refuses everything but /ping without the right password', async () => {
  expect(await (await fetch(`${embedded.url}/ping`)).text()).toBe('Ok.\n');
  const wrong: Record<string, string>[] = [
    {},
    { authorization: `Basic ${Buffer.from(`${embedded.username}:wrong`).toString('base64')}` },
    { 'x-clickhouse-user': embedded.username },
    { 'x-clickhouse-user': embedded.username, 'x-clickhouse-key': 'wrong' },
  ];
  for (const headers of wrong) {
    const answer = await fetch(`${embedded.url}/?query=SELECT+1`, { headers });
    expect(answer.status).toBe(403);
    expect(answer.headers.get('x-clickhouse-exception-code')).toBe('516');
  }
  const headers = { 'x-clickhouse-user': embedded.username, 'x-clickhouse-key': embedded.password };
  expect(await (await fetch(`${embedded.url}/?query=SELECT+1`, { headers })).text()).toBe('1\n');
});

test('takes the statement from the address or the body, and the format from either', async () => {
  expect(await (await ask('/?query=SELECT+1,2')).text()).toBe('1\t2\n');
  expect(await (await ask('/', { method: 'POST', body: 'SELECT 1, 2 FORMAT CSV' })).text()).toBe('1,2\n');
  expect(await (await ask('/?default_format=CSV', { method: 'POST', body: 'SELECT 1, 2' })).text()).toBe('1,2\n');
});

test('refuses what it would get wrong: settings in the request, compression', async () => {
  const refused: [string, RequestInit?][] = [
    ['/?query=SELECT+1&max_threads=1'],
    ['/?query=INSERT', { method: 'POST', body: 'x', headers: { 'content-encoding': 'gzip' } }],
    ['/elsewhere'],
    ['/', { method: 'POST', body: ' ' }],
  ];
  for (const [path, init] of refused) {
    const answer = await ask(path, init);
    expect(answer.ok).toBe(false);
    expect(answer.headers.get('x-clickhouse-exception-code')).toMatch(/^\d+$/);
    expect(await answer.text()).toMatch(/^Code: \d+\. DB::Exception: /);
  }
});

test('keeps the environment of its parent out of reach of SQL', async () => {
  process.env['HOLDPOINT_TEST_SECRET'] = 'do-not-tell';
  await using folder = await temporaryFolder();
  const other = await startEmbedded({ path: folder.path });
  const client = connectClickHouse(other);
  const query = `SELECT * FROM file('/proc/self/environ', 'RawBLOB')`;
  const answer = await client.query({ query, format: 'JSONEachRow' }).then(
    (rows) => rows.text(),
    (error: unknown) => String(error),
  );
  expect(answer).not.toContain('do-not-tell');
  await client.close();
  const exited = once(other.child, 'exit');
  other.child.kill('SIGTERM');
  expect(await exited).toEqual([0, null]);
});

test('refuses a second process on the same data, with the reason', async () => {
  const path = join(data.path, 'clickhouse');
  await expect(startEmbedded({ path })).rejects.toThrow(`cannot open ${path}`);
});

test('ends with its parent, however that ends', async () => {
  await using folder = await temporaryFolder();
  const parent = fork(join(import.meta.dirname, 'embedded-parent.ts'), [folder.path], { execArgv: [] });
  const [pid] = (await once(parent, 'message')) as [number];
  parent.kill('SIGKILL');
  await expect.poll(() => isRunning(pid), { timeout: 30_000 }).toBe(false);
});

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
