import { fork } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, readdir, stat, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
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

test('the engine endpoint answers @clickhouse/client as a server does', async () => {
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

test('the engine endpoint refuses everything but /ping without the right password', async () => {
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

test('the engine endpoint reads the statement from the URL or the body, and the format from either', async () => {
  expect(await (await ask('/?query=SELECT+1,2')).text()).toBe('1\t2\n');
  expect(await (await ask('/', { method: 'POST', body: 'SELECT 1, 2 FORMAT CSV' })).text()).toBe('1,2\n');
  expect(await (await ask('/?default_format=CSV', { method: 'POST', body: 'SELECT 1, 2' })).text()).toBe('1,2\n');
});

test('the engine endpoint refuses settings in the request, and compression', async () => {
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

/** An insert as `@clickhouse/client` sends it, or as one text. */
function insert(into: string, data: string, asOne = false): Promise<Response> {
  const query = `${into} FORMAT JSONEachRow`;
  return asOne
    ? ask('/', { method: 'POST', body: `${query}\n${data}` })
    : ask(`/?query=${encodeURIComponent(query)}`, { method: 'POST', body: data });
}

const spool = () => join(data.path, 'clickhouse', 'spool');
const count = async (table: string) => Number(await (await ask(`/?query=SELECT+count()+FROM+${table}`)).text());

test('bad rows give the same error as a file or in the statement, and none is stored', async () => {
  await ask('/', {
    method: 'POST',
    body: 'CREATE TABLE bad (n UInt16, at DateTime64(3), s String, a Array(String)) ENGINE = MergeTree ORDER BY n',
  });
  const bad = [
    'hello\n',
    '{"n":1}\n{"n":',
    '{"n":1}\n{"n":"x"}\n',
    '{"n":-1}\n',
    '{"at":"yesterday"}\n',
    '{"a":"x"}\n',
    '{"a":["x"\n',
    '{"s":"\\ud800"}\n',
    '{"n":1,"unknown":1}\n',
    '',
  ];
  const into = 'INSERT INTO bad (n, at, s, a) SETTINGS input_format_skip_unknown_fields = 0';
  for (const rows of bad) {
    const [file, text] = [await insert(into, rows), await insert(into, rows, true)];
    const code = file.headers.get('x-clickhouse-exception-code');
    expect([rows, file.status, code]).toEqual([rows, text.status, text.headers.get('x-clickhouse-exception-code')]);
    expect(code).toMatch(/^\d+$/);
    expect(await file.text()).not.toContain(data.path);
  }
  expect(await count('bad')).toBe(0);
  expect(await readdir(spool())).toEqual([]);
});

test('a delivery is stored once, as a file or in the statement', async () => {
  const table = 'CREATE TABLE once (n UInt32) ENGINE = MergeTree ORDER BY n';
  await ask('/', { method: 'POST', body: `${table} SETTINGS non_replicated_deduplication_window = 100` });
  const into = (token: string) => `INSERT INTO once SETTINGS insert_deduplication_token = '${token}'`;
  for (const asOne of [false, false, true]) expect((await insert(into('a'), '{"n":1}\n', asOne)).ok).toBe(true);
  expect(await count('once')).toBe(1);
  await insert(into('b FORMAT c'), '{"n":1}\n');
  expect(await count('once')).toBe(2);
});

test('an object is stored in a text column as it was written, as a file or in the statement', async () => {
  await ask('/', { method: 'POST', body: 'CREATE TABLE objects (s String, n UInt8) ENGINE = MergeTree ORDER BY n' });
  const written = '{"a": 1.00,\t"b":[123456789012345678901234567890,{"c":"}\\"\u2028"}],"n":7}';
  for (const asOne of [false, true]) await insert('INSERT INTO objects', `{"s":${written},"n":1}\n`, asOne);
  const stored = await ask('/?query=SELECT+s+FROM+objects+FORMAT+JSONCompactEachRow');
  expect(await stored.text()).toBe(`${JSON.stringify([written]).replaceAll('\u2028', '\\u2028')}\n`.repeat(2));
});

test('a body that breaks off is neither stored nor kept', async () => {
  await ask('/', { method: 'POST', body: 'CREATE TABLE broken (n UInt32) ENGINE = MergeTree ORDER BY n' });
  const authorization = `Basic ${Buffer.from(`${embedded.username}:${embedded.password}`).toString('base64')}`;
  const query = encodeURIComponent('INSERT INTO broken FORMAT JSONEachRow');
  const headers = { authorization, 'content-length': 1_000_000 };
  const sent = request(`${embedded.url}/?query=${query}`, { method: 'POST', headers });
  sent.on('error', () => {});
  sent.write('{"n":1}\n{"n":2}\n');
  await expect.poll(async () => (await readdir(spool())).length).toBe(1);
  const [name] = await readdir(spool());
  expect((await stat(join(spool(), name!))).mode & 0o777).toBe(0o600);
  expect((await stat(spool())).mode & 0o777).toBe(0o700);
  sent.destroy();
  await expect.poll(() => readdir(spool())).toEqual([]);
  expect(await count('broken')).toBe(0);
});

test('the spool is emptied after a crash, and works in a folder with a name like a pattern', async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, '{a,b}*');
  await mkdir(join(path, 'spool'), { recursive: true });
  await writeFile(join(path, 'spool', 'left'), '{"n":1}');
  await chmod(join(path, 'spool'), 0o755);
  const other = await startEmbedded({ path });
  expect(await readdir(join(path, 'spool')).catch(() => [])).toEqual([]);
  const client = connectClickHouse(other);
  await client.command({ query: 'CREATE TABLE t (n UInt32) ENGINE = MergeTree ORDER BY n' });
  await client.insert({ table: 't', values: [{ n: 7 }], format: 'JSONEachRow' });
  const rows = await client.query({ query: 'SELECT n FROM t', format: 'JSONEachRow' });
  expect(await rows.json()).toEqual([{ n: 7 }]);
  await client.close();
  const exited = once(other.child, 'exit');
  other.child.kill('SIGTERM');
  await exited;
});

test("SQL cannot read the environment of the engine's parent", async () => {
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

test('a second engine on the same data is refused, with the reason', async () => {
  const path = join(data.path, 'clickhouse');
  await expect(startEmbedded({ path })).rejects.toThrow(`cannot open ${path}`);
});

test('the engine ends with its parent, however that ends', async () => {
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
