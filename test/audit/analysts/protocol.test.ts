import {
  brotliDecompressSync,
  deflateSync,
  gunzipSync,
  gzipSync,
  inflateSync,
  zstdCompressSync,
  zstdDecompressSync,
} from 'node:zlib';
import { once } from 'node:events';
import { Agent, request, type IncomingMessage } from 'node:http';
import { connect, type Socket } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { until } from '../events.ts';
import { readBlocks } from './read-blocks.ts';
import { startQueryEndpoint, type TestQueryEndpoint } from './start-query-endpoint.ts';

let endpoint: TestQueryEndpoint;
beforeAll(async () => {
  endpoint = await startQueryEndpoint();
});
afterAll(() => endpoint[Symbol.asyncDispose]());

const basic = (user: string, password: string) => ({
  authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`,
});

/** One request whose answer is not decompressed on its way. */
function raw(path: string, headers: Record<string, string>): Promise<{ encoding: string | undefined; bytes: Buffer }> {
  return new Promise((resolve, reject) => {
    request(
      `${endpoint.url}${path}`,
      { headers: { ...basic(endpoint.user, endpoint.token), ...headers } },
      (response) => {
        buffer(response).then(
          (bytes) => resolve({ encoding: response.headers['content-encoding'], bytes }),
          (error: unknown) => reject(error as Error),
        );
      },
    )
      .on('error', reject)
      .end();
  });
}

test('an analyst is identified by Basic credentials, by headers or by the URL', async () => {
  const sql = 'query=SELECT+1';
  const headers = { 'x-clickhouse-user': endpoint.user, 'x-clickhouse-key': endpoint.token };
  const search = new URLSearchParams({ user: endpoint.user, password: endpoint.token, query: 'SELECT 1' });
  const answers = [
    fetch(`${endpoint.url}/?${sql}`, { headers: basic(endpoint.user, endpoint.token) }),
    fetch(`${endpoint.url}/?${sql}`, { headers: basic('ben@example.com', 'token of ben') }),
    fetch(`${endpoint.url}/?${sql}`, { headers }),
    fetch(`${endpoint.url}/?${search}`),
  ];
  for (const answer of await Promise.all(answers)) expect(await answer.text()).toBe('1\n');
});

test('wrong credentials are answered as by a server, and reveal no user name', async () => {
  const wrong: [string, Record<string, string>][] = [
    ['', {}],
    ['', basic(endpoint.user, '')],
    ['', basic(endpoint.user, 'wrong')],
    ['', basic(endpoint.user, 'token of ben')],
    ['', basic('nobody', endpoint.token)],
    ['', { authorization: `Bearer ${endpoint.token}` }],
    ['', { 'x-clickhouse-user': endpoint.user }],
    ['', { 'x-clickhouse-key': endpoint.token }],
    [`&user=${endpoint.user}`, {}],
    // Two ways at once: which one counts is for nobody to guess.
    [`&user=${endpoint.user}`, basic(endpoint.user, endpoint.token)],
  ];
  for (const [search, headers] of wrong) {
    const answer = await fetch(`${endpoint.url}/?query=SELECT+1${search}`, { headers });
    expect(answer.status).toBe(403);
    expect(answer.headers.get('x-clickhouse-exception-code')).toBe('516');
    const text = await answer.text();
    expect(text).toMatch(/^Code: 516\. DB::Exception: .*uthentication.* \(AUTHENTICATION_FAILED\)/);
    expect(text).not.toContain(endpoint.token);
  }
  const texts = ['ana@example.com', 'eve@example.com'].map(async (user) => {
    const answer = await fetch(`${endpoint.url}/?query=SELECT+1`, { headers: basic(user, 'wrong') });
    return (await answer.text()).replace(user, 'X');
  });
  const [known, unknown] = await Promise.all(texts);
  expect(known).toBe(unknown);
});

test('/ping, /replicas_status, a bare URL, HEAD, OPTIONS and unknown paths are answered as by a server', async () => {
  for (const path of ['/ping', '/replicas_status', '/']) {
    expect(await (await fetch(`${endpoint.url}${path}`)).text()).toBe('Ok.\n');
  }
  const head = await endpoint.ask('/?query=SELECT+1', { method: 'HEAD' });
  expect([head.status, await head.text(), head.headers.get('x-clickhouse-format')]).toEqual([200, '', 'TabSeparated']);
  expect((await fetch(endpoint.url, { method: 'OPTIONS' })).status).toBe(204);
  expect((await endpoint.ask('/play')).status).toBe(404);
  expect((await endpoint.ask('/', { method: 'PUT', body: 'x' })).status).toBe(404);
});

test('an answer has the headers of a server', async () => {
  const answer = await endpoint.query('SELECT 1 AS a FORMAT JSONCompact', '?query_id=mine');
  const { headers } = answer;
  expect(headers.get('content-type')).toBe('application/json; charset=UTF-8');
  expect(headers.get('x-clickhouse-format')).toBe('JSONCompact');
  expect(headers.get('x-clickhouse-query-id')).toBe('mine');
  expect(headers.get('x-clickhouse-timezone')).toBe('UTC');
  expect(headers.get('x-clickhouse-server-display-name')).toBe('holdpoint');
  expect(JSON.parse(headers.get('x-clickhouse-summary')!)).toMatchObject({ result_rows: '1', written_rows: '0' });
  expect(await answer.json()).toMatchObject({ data: [[1]], rows: 1 });
});

test('values that do not fit into a header, malformed URLs and unknown formats are refused', async () => {
  const refused: [string, string, number][] = [
    ['/?query=SELECT+1&query_id=a%0d%0aX-Own:+1', '36', 400],
    ['/?query=SELECT+1&session_timezone=UTC%0a', '36', 400],
    ['/?query=SELECT+1&default_format=CSV%0d%0a', '73', 404],
    ['/?query=SELECT+1+FORMAT+Nonsense', '73', 404],
    ['//', '36', 400],
  ];
  for (const [path, code, status] of refused) {
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    const { port } = new URL(endpoint.url);
    request({ port, path, headers: basic(endpoint.user, endpoint.token) }, resolve)
      .on('error', reject)
      .end();
    const answer = await promise;
    expect([path, answer.headers['x-clickhouse-exception-code'], answer.statusCode]).toEqual([path, code, status]);
    expect(answer.headers).not.toHaveProperty('x-own');
    expect((await buffer(answer)).toString()).toMatch(/^Code: \d+\. DB::Exception: /);
  }
});

test('idle connections make way for new ones, first those of the address that has the most', async () => {
  const port = Number(new URL(endpoint.url).port);
  // Another address of the loopback interface, with a connection that it keeps.
  const agent = new Agent({ keepAlive: true, maxSockets: 1, localAddress: '127.0.0.2' });
  const ping = async () => {
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    request({ host: '127.0.0.1', port, path: '/ping', agent }, resolve).on('error', reject).end();
    return (await buffer(await promise)).toString();
  };
  expect(await ping()).toBe('Ok.\n');
  let closed = false;
  for (const socket of Object.values(agent.freeSockets).flat()) socket!.once('close', () => (closed = true));
  const sockets = Array.from({ length: 400 }, () => connect(port, '127.0.0.1').on('error', () => {}));
  try {
    await until(() => sockets.filter(({ closed }) => closed).length >= 145);
    expect(sockets.slice(0, 100).every(({ closed }) => closed)).toBe(true);
    expect(await ping()).toBe('Ok.\n');
    expect(closed).toBe(false);
    expect(await (await fetch(`${endpoint.url}/ping`)).text()).toBe('Ok.\n');
    expect(await (await endpoint.query('SELECT 1')).text()).toBe('1\n');
  } finally {
    for (const socket of sockets) socket.destroy();
    agent.destroy();
  }
});

test('a query goes on while idle connections come and go', async () => {
  const port = Number(new URL(endpoint.url).port);
  const running = endpoint.query('SELECT sleepEachRow(0.1) FROM numbers(20) SETTINGS max_block_size = 1');
  const sockets: Socket[] = [];
  try {
    for (let round = 0; round < 4; round++) {
      const opened = Array.from({ length: 100 }, () => connect(port, '127.0.0.1').on('error', () => {}));
      sockets.push(...opened);
      await Promise.all(opened.map((socket) => once(socket, 'connect')));
    }
    expect((await (await running).text()).trim().split('\n')).toHaveLength(20);
  } finally {
    for (const socket of sockets) socket.destroy();
  }
});

test('the statement is read from the URL, the body, both or a form, and the format from each', async () => {
  const form = new FormData();
  form.set('query', 'SELECT {n:UInt8} + 1');
  form.set('param_n', '1');
  const answers: [Promise<Response>, string][] = [
    [endpoint.ask('/?query=SELECT+1'), '1\n'],
    [endpoint.ask('/?query=SELECT+1', { method: 'POST' }), '1\n'],
    [endpoint.ask('/?query=SELECT+1,', { method: 'POST', body: '2 FORMAT CSV' }), '1,2\n'],
    [endpoint.ask('/', { method: 'POST', body: form }), '2\n'],
    [endpoint.query('SELECT 1, 2', '?default_format=CSV'), '1,2\n'],
    [endpoint.ask('/?query=SELECT+1,2', { headers: { 'x-clickhouse-format': 'csv' } }), '1,2\n'],
    [endpoint.query('SELECT 1 AS a', '?default_format=CSVWithNames'), '"a"\n1\n'],
  ];
  for (const [answer, expected] of answers) expect(await (await answer).text()).toBe(expected);
});

test('the endpoint offers every format that the engine writes', async () => {
  const formats = await (await endpoint.query('SELECT name FROM system.formats WHERE is_output')).text();
  // These want a schema, or columns of certain names and types.
  const particular =
    /Protobuf|CapnProto|Prometheus|GeoJSON|Template|MySQLWire|ODBC|PostgreSQLWire|Npy|RawBLOB|Null|PNG|AvroConfluent/;
  for (const format of formats
    .trim()
    .split('\n')
    .filter((name) => !particular.test(name))) {
    const answer = await endpoint.query(`SELECT seq, agent, rules FROM events LIMIT 3 FORMAT ${format}`);
    const { byteLength } = await answer.arrayBuffer();
    expect([format, answer.status, byteLength > 0]).toEqual([format, 200, true]);
    expect(answer.headers.get('x-clickhouse-format')?.toLowerCase()).toBe(format.toLowerCase());
  }
});

test('parameters of every kind are bound, whatever their content', async () => {
  const search = new URLSearchParams({
    param_s: `it's; "one"\\n -- {s:String}`,
    param_a: `['it\\'s','b']`,
    param_d: '2026-11-01',
    param_n: '\\N',
    param_m: "{'a':1}",
    param_l: '2',
  });
  const answer = await endpoint.query(
    'SELECT {s:String} AS s, {a:Array(String)} AS a, {d:Date} AS d, {n:Nullable(UInt8)} AS n, {m:Map(String, UInt8)} AS m FROM numbers(9) LIMIT {l:UInt8}',
    `?default_format=JSONEachRow&${search}`,
  );
  const row = { s: `it's; "one"\n -- {s:String}`, a: ["it's", 'b'], d: '2026-11-01', n: null, m: { a: 1 } };
  expect(
    (await answer.text())
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown),
  ).toEqual([row, row]);
  expect((await endpoint.query('SELECT {x:UInt8}')).headers.get('x-clickhouse-exception-code')).toBe('456');
});

test('parameters of concurrent requests do not mix', async () => {
  const numbers = Array.from({ length: 40 }, (_, n) => n);
  const texts = numbers.map(async (n) => (await endpoint.query('SELECT {x:String}', `?param_x=v${n}`)).text());
  expect(await Promise.all(texts)).toEqual(numbers.map((n) => `v${n}\n`));
});

test('settings that change how a result looks apply to their request only', async () => {
  const sql = 'SELECT toUInt64(1) AS a FORMAT JSONEachRow';
  const quoted = async (search = '') => (await endpoint.query(sql, search)).text();
  const before = await quoted();
  expect(await quoted('?output_format_json_quote_64bit_integers=0')).toBe('{"a":1}\n');
  expect(await quoted('?output_format_json_quote_64bit_integers=1')).toBe('{"a":"1"}\n');
  expect(await quoted()).toBe(before);
  const zone = await endpoint.query('SELECT fromUnixTimestamp(0)', '?session_timezone=Asia/Tokyo');
  expect(zone.headers.get('x-clickhouse-timezone')).toBe('Asia/Tokyo');
  expect(await zone.text()).toBe('1970-01-01 09:00:00\n');
});

test('parameters that clients add are accepted, and other settings refused as by a server', async () => {
  const harmless =
    '?wait_end_of_query=1&send_progress_in_http_headers=1&log_comment=x&session_id=y&session_timeout=60&role=z' +
    '&readonly=2&max_block_size=100&max_execution_time=600&max_threads=64&async_insert=0&input_format_null_as_default=1' +
    '&http_headers_progress_interval_ms=1&client_protocol_version=0&allow_experimental_object_type=1&database=default&select_sequential_consistency=1&result_overflow_mode=throw';
  expect(await (await endpoint.query('SELECT 1', harmless)).text()).toBe('1\n');
  const refused: [string, string][] = [
    ['readonly=0', '164'],
    ['no_such_setting=1', '115'],
    ['format_schema=x', '164'],
    ['format_template_row=x', '164'],
    ['max_memory_usage=x', '72'],
    ['limit=x', '72'],
    ['result_overflow_mode=any', '36'],
    ['timeout_overflow_mode=break', '164'],
    ['max_memory_usage_for_user=0', '164'],
    ['database=nowhere', '81'],
    ['database=system', '497'],
  ];
  for (const [search, code] of refused) {
    const answer = await endpoint.query('SELECT 1', `?${search}`);
    expect([search, answer.headers.get('x-clickhouse-exception-code')]).toEqual([search, code]);
  }
});

test('a client can lower its limits and never raise them', async () => {
  const limit = async (name: string, value: string) =>
    Number(await (await endpoint.query(`SELECT getSetting('${name}')`, `?${name}=${value}`)).text());
  expect(await limit('max_execution_time', '5')).toBe(5);
  expect(await limit('max_execution_time', '0')).toBe(60);
  expect(await limit('max_execution_time', '3600')).toBe(60);
  expect(await limit('max_memory_usage', '0')).toBeLessThan(2 ** 28);
  expect(await limit('max_result_rows', '1000000000')).toBe(1_000_000);
});

test('a client that wants the first rows gets them, and no error', async () => {
  const rows = async (sql: string, search: string) => {
    const answer = await endpoint.query(sql, search);
    return [answer.status, (await answer.text()).trim().split('\n').length];
  };
  const numbers = 'SELECT number FROM numbers(100000)';
  // What the JDBC driver sends for setMaxRows(2), and for setMaxRows(0).
  expect(await rows(numbers, '?max_result_rows=2&result_overflow_mode=break')).toEqual([200, 2]);
  expect(await rows(numbers, '?result_overflow_mode=break&max_result_rows=2&limit=7')).toEqual([200, 2]);
  expect(await rows(numbers, '?max_result_rows=9223372036854775807&result_overflow_mode=break')).toEqual([
    200, 100_000,
  ]);
  expect(await rows(`${numbers} SETTINGS max_result_rows = 2, result_overflow_mode = 'break'`, '')).toEqual([200, 2]);
  const inner = 'SELECT max(n) FROM (SELECT number AS n FROM numbers(10) UNION ALL SELECT 99)';
  expect(await (await endpoint.query(inner, '?max_result_rows=1&result_overflow_mode=break')).text()).toBe('99\n');
  expect(await rows('DESCRIBE TABLE events', '?max_result_rows=2&result_overflow_mode=break')).toEqual([200, 8]);
  const exact = await endpoint.query(numbers, '?max_result_rows=2&result_overflow_mode=throw');
  expect(exact.headers.get('x-clickhouse-exception-code')).toBe('396');
});

test('a result that exceeds the limits of the endpoint is never cut in silence', async () => {
  const tooMany: [string, string][] = [
    ['SELECT number FROM numbers(2000000)', '?max_result_rows=9223372036854775807&result_overflow_mode=break'],
    ['SELECT number FROM numbers(2000000)', '?result_overflow_mode=break'],
    [
      `SELECT 1 AS ${'x'.repeat(150)} FROM numbers(1000000) FORMAT JSONEachRow`,
      '?max_result_rows=999999&result_overflow_mode=break',
    ],
  ];
  for (const [sql, search] of tooMany) {
    const answer = await endpoint.query(sql, search);
    expect([search, answer.headers.get('x-clickhouse-exception-code')]).toEqual([search, '396']);
  }
});

test('a client that asks for compressed blocks gets errors in them too', async () => {
  for (const headers of [{}, { authorization: `Basic ${Buffer.from('ana@example.com:wrong').toString('base64')}` }]) {
    const answer = await endpoint.ask('/?compress=1', { method: 'POST', body: 'DROP TABLE events', headers });
    const code = answer.headers.get('x-clickhouse-exception-code');
    const text = readBlocks(Buffer.from(await answer.arrayBuffer())).toString();
    expect(text).toMatch(new RegExp(`^Code: ${code}\\. DB::Exception: `));
  }
});

test('a query beyond its limits ends with the exception of a server', async () => {
  const passing: [string, string, string, number][] = [
    ['SELECT count() FROM numbers(1e12) WHERE sipHash64(number) = 1', '?max_execution_time=1', '159', 408],
    ['SELECT length(groupArray(number)) FROM numbers(1e9)', '', '241', 500],
    ['SELECT number FROM numbers(2000000)', '', '396', 500],
    ["SELECT repeat('x', 1000000) FROM numbers(1000)", '', '241', 500],
    // Little to the engine, much to send.
    [`SELECT 1 AS ${'x'.repeat(150)} FROM numbers(1000000) FORMAT JSONEachRow`, '', '396', 500],
  ];
  for (const [sql, search, code, status] of passing) {
    const answer = await endpoint.query(sql, search);
    expect([sql, answer.headers.get('x-clickhouse-exception-code'), answer.status]).toEqual([sql, code, status]);
    expect(await answer.text()).toContain('Code: ');
  }
});

test('answers are compressed as the client prefers, or not at all if it forbids it', async () => {
  const path = `/?query=${encodeURIComponent('SELECT agent FROM events')}`;
  const { bytes: plain } = await raw(path, {});
  const decoders: [string, string, (bytes: Buffer) => Buffer][] = [
    ['gzip', 'gzip', gunzipSync],
    ['deflate', 'deflate', inflateSync],
    ['br', 'br', brotliDecompressSync],
    ['zstd', 'zstd', zstdDecompressSync],
    ['gzip, deflate, br', 'br', brotliDecompressSync],
    ['gzip;q=1, br;q=0.5, zstd;q=0', 'gzip', gunzipSync],
  ];
  for (const [accepted, expected, decode] of decoders) {
    const { encoding, bytes } = await raw(path, { 'accept-encoding': accepted });
    expect(encoding).toBe(expected);
    expect(decode(bytes).equals(plain)).toBe(true);
    expect(bytes.length).toBeLessThan(plain.length);
  }
  expect((await raw(`${path}&enable_http_compression=0`, { 'accept-encoding': 'gzip' })).encoding).toBeUndefined();
  expect((await raw(path, { 'accept-encoding': 'identity' })).encoding).toBeUndefined();
  const blocks = await raw(`${path}&compress=1`, { 'accept-encoding': 'gzip' });
  expect(blocks.encoding).toBeUndefined();
  expect(readBlocks(blocks.bytes).equals(plain)).toBe(true);
});

test('compressed requests are read, and refused when damaged or too large', async () => {
  const send = (body: Buffer, encoding: string) =>
    endpoint.ask('/', { method: 'POST', body: new Uint8Array(body), headers: { 'content-encoding': encoding } });
  const sql = Buffer.from('SELECT 42');
  for (const [body, encoding] of [
    [gzipSync(sql), 'gzip'],
    [deflateSync(sql), 'deflate'],
    [zstdCompressSync(sql), 'zstd'],
  ] as const) {
    expect(await (await send(body, encoding)).text()).toBe('42\n');
  }
  expect((await send(sql, 'gzip')).headers.get('x-clickhouse-exception-code')).toBe('271');
  expect((await send(gzipSync(Buffer.alloc(2 ** 22)), 'gzip')).headers.get('x-clickhouse-exception-code')).toBe('271');
  for (const unknown of ['lzma', 'constructor']) {
    expect((await send(sql, unknown)).headers.get('x-clickhouse-exception-code')).toBe('48');
  }
  // ClickHouse's own compressed blocks are for answers alone.
  expect((await endpoint.query('SELECT 42', '?decompress=1')).headers.get('x-clickhouse-exception-code')).toBe('48');
  expect((await endpoint.query('x'.repeat(2 ** 21))).headers.get('x-clickhouse-exception-code')).toBe('307');
});

test("Native is written in the revision of the client's protocol", async () => {
  const native = async (revision: number) => {
    const answer = await endpoint.query(
      "SELECT 1::UInt8 AS a, ['x', 'yz']::Array(LowCardinality(String)) AS b, NULL::Nullable(Float64) AS c",
      `?default_format=Native&client_protocol_version=${revision}`,
    );
    return Buffer.from(await answer.arrayBuffer());
  };
  const plain = await native(0);
  const info = Buffer.from('0100 02ffffffff 00'.replaceAll(' ', ''), 'hex');
  expect(await native(54_405)).toEqual(Buffer.concat([info, plain]));
  const custom = await native(54_460);
  // A byte for each of the three columns, behind its type.
  expect(custom.length).toBe(info.length + plain.length + 3);
  const type = Buffer.from('\x01a\x05UInt8');
  expect(custom.subarray(info.length + 2, info.length + 2 + type.length + 2)).toEqual(
    Buffer.concat([type, Buffer.from([0, 1])]),
  );
  const everything = `SELECT number AS n, toString(number) AS s, toFixedString('ab', 2) AS f, toDecimal64(1, 2) AS d,
    now64(3) AS t, generateUUIDv4() AS u, map('k', [1, 2]) AS m, tuple(1, 'a', NULL) AS p, toLowCardinality(toNullable('x')) AS l,
    [] AS e, [[1], []] AS aa, toIPv6('::1') AS ip, true AS y, toInt256(1) AS i, CAST('a', 'Enum8(\\'a\\' = 1, \\'(,\\' = 2)') AS en,
    tuple(1 AS x, 's' AS z)::Tuple(x UInt8, \`z z\` String) AS named, toIntervalDay(1) AS iv
    FROM numbers(70000)`;
  const answer = await endpoint.query(everything, '?default_format=Native&client_protocol_version=54460');
  const bytes = Buffer.from(await answer.arrayBuffer());
  expect(answer.ok || bytes.toString()).toBe(true);
  const unknown = await endpoint.query(
    'SELECT sumState(1) AS a',
    '?default_format=Native&client_protocol_version=54460',
  );
  expect(unknown.headers.get('x-clickhouse-exception-code')).toBe('48');
});
