import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { REVIEWED_ENGINE, TABLE_FUNCTIONS } from '../../../audit/analysts/allowed.ts';
import { ServerException } from '../../../audit/analysts/exception.ts';
import { readStatement } from '../../../audit/analysts/statement.ts';
import { startQueryEndpoint, type TestQueryEndpoint } from './start-query-endpoint.ts';

let endpoint: TestQueryEndpoint;
let secret: string;

beforeAll(async () => {
  endpoint = await startQueryEndpoint();
  secret = join(endpoint.folder, 'secret');
  await writeFile(secret, 'the contents of the file');
});
afterAll(() => endpoint[Symbol.asyncDispose]());

/** `FILE` stands for a file that may not be read, `OUT` for one that may not be written. */
const REFUSED: Readonly<Record<string, readonly string[]>> = {
  'what writes, changes or ends something': [
    "INSERT INTO events (event_id) VALUES ('x')",
    'INSERT INTO events SELECT * FROM events',
    'WITH x AS (SELECT 1) INSERT INTO events (event_id) SELECT * FROM x',
    'CREATE TABLE t (a UInt8) ENGINE = Memory',
    'CREATE TEMPORARY TABLE t (a UInt8)',
    'CREATE FUNCTION f AS x -> x',
    'DROP TABLE events',
    'TRUNCATE TABLE events',
    'ALTER TABLE events DELETE WHERE 1',
    'DELETE FROM events WHERE 1',
    'UPDATE events SET seq = 1 WHERE 1',
    'RENAME TABLE events TO e',
    'OPTIMIZE TABLE events FINAL',
    'ATTACH TABLE t (a UInt8) ENGINE = Memory',
    "BACKUP DATABASE holdpoint TO File('OUT')",
    'KILL QUERY WHERE 1',
    '/* x */ KILL QUERY WHERE 1',
    'SYSTEM FLUSH LOGS',
    'SYSTEM SHUTDOWN',
    'GRANT ALL ON *.* TO default',
    'SET readonly = 0',
    'SET max_execution_time = 0',
    "SET param_x = '1'",
    'BEGIN TRANSACTION',
  ],
  'a second statement, whatever hides it': [
    'SELECT 1; SELECT 2',
    'SELECT 1; KILL QUERY WHERE 1',
    "SELECT 'a' -- '\n; DROP TABLE events",
    'SELECT 1 /* /* */ */ ; DROP TABLE events',
    'SELECT $a$ $b$ $a$; DROP TABLE events --$b$',
    'SELECT 1 PARALLEL WITH DROP TABLE events',
    'DROP TABLE events PARALLEL WITH SELECT 1',
  ],
  'a change of limits from within a statement': [
    'SELECT 1 SETTINGS readonly = 0',
    'SELECT 1 SETTINGS allow_ddl = 1, wrong = 1',
    'SELECT * FROM (SELECT 1 SETTINGS max_execution_time = 0)',
    'SELECT 1 SETTINGS max_execution_time = 0 UNION ALL SELECT 1',
    'WITH x AS (SELECT 1 SETTINGS max_memory_usage = 0) SELECT * FROM x SETTINGS max_threads = 1',
    "SELECT a FROM values('b UInt8, a UInt8 ALIAS (SELECT 1 SETTINGS max_memory_usage = 0)', 1)",
    "SELECT 1 SETTINGS format_template_row = 'FILE' FORMAT Template",
    "SELECT 1 FORMAT Template SETTINGS format_template_resultset = 'FILE'",
    'SELECT 1 SETTINGS max_threads = (SELECT 1)',
    'SELECT * FROM (SELECT 1 SETTINGS a.b = 1, readonly = 0)',
    'SELECT * FROM (SELECT 1 SETTINGS `a`.`b` = 1, readonly = 0)',
    'SELECT * FROM (SELECT 1 SETTINGS optimize_read_in_order, max_memory_usage = 0)',
    'SELECT * FROM (SELECT 1 SETTINGS optimize_read_in_order)',
    'SELECT * FROM (SELECT 1 SETTINGS /* x */ a . b = 1)',
    'SELECT 1 SETTINGS optimize_read_in_order, readonly = 0',
    'SELECT 1 SETTINGS a.b = 1, readonly = 0',
    "SELECT a FROM values('b UInt8, a UInt8 ALIAS (SELECT 1 SETTINGS a.b = 1, readonly = 0)', 1)",
  ],
  'what writes files': [
    "SELECT 1 INTO OUTFILE 'OUT'",
    "select 1 into\noutfile 'OUT'",
    "SELECT 1 INTO /* x */ OUTFILE 'OUT' FORMAT CSV",
    "SELECT 1 INTO -- x\n OUTFILE 'OUT' APPEND",
    "SELECT 1 FORMAT CSV INTO OUTFILE 'OUT'",
    "SHOW TABLES INTO OUTFILE 'OUT'",
    "DESCRIBE events INTO OUTFILE 'OUT'",
    "EXPLAIN SELECT 1 INTO OUTFILE 'OUT'",
    "EXISTS TABLE events INTO OUTFILE 'OUT'",
    "(SELECT 1) INTO OUTFILE 'OUT'",
    'SELECT 1 INTO OUTFILE $$OUT$$',
    "INSERT INTO FUNCTION file('OUT') SELECT 1",
  ],
  'what reads files': [
    "SELECT file('FILE')",
    "SELECT `file`('FILE')",
    'SELECT "file"(\'FILE\')',
    "SELECT file /* x */ ('FILE')",
    "SELECT arrayMap(file, ['FILE'])",
    "SELECT * APPLY(file) FROM (SELECT 'FILE' AS x)",
    "SELECT * APPLY file FROM (SELECT 'FILE' AS x)",
    "WITH x -> file(x) AS f SELECT f('FILE')",
    "SELECT * FROM file('FILE', 'RawBLOB')",
    "DESCRIBE file('FILE', 'RawBLOB')",
    "EXPLAIN SELECT * FROM file('FILE', 'RawBLOB')",
    'SELECT * FROM "FILE"',
    "SELECT * FROM 'FILE'",
    'SELECT * FROM default."FILE"',
    'SELECT * FROM (SELECT * FROM default."FILE" SETTINGS a.b = 1, readonly = 0)',
    'EXISTS TABLE default."FILE"',
    'SHOW COLUMNS FROM default."FILE"',
    "SELECT hasColumnInTable('default', 'FILE', 'c1')",
    "SELECT hasColumnInTable('default', 'FILE.not', 'c1')",
    "SELECT * FROM filesystem('/')",
    "SELECT b FROM values('a UInt8, b String ALIAS file(\\'FILE\\')', 1)",
    "SELECT b FROM VALUES ((('a UInt8, b String ALIAS file(\\'FILE\\')')), 1)",
    "SELECT b FROM values($$a UInt8, b String ALIAS file('FILE')$$, 1)",
    "SELECT b FROM values('a UInt8, b String ALIAS \\x66ile(\\'FILE\\')', 1)",
    "SELECT b FROM values(concat('a UInt8, b String ALIAS fi', 'le(\\'FILE\\')'), 1)",
    "SELECT a FROM null('a String ALIAS file(\\'FILE\\')')",
    "SELECT count() FROM events SETTINGS additional_table_filters = {'events': 'file(\\'FILE\\') != \\'\\''}",
    "SELECT count() FROM events SETTINGS additional_table_filters = {'events': '\\x66ile(\\'FILE\\') != \\'\\''}",
    "SELECT catboostEvaluate('FILE', 1)",
    "SELECT * FROM sqlite('FILE', 't')",
    "SELECT * FROM format('RawBLOB', file('FILE'))",
    "SELECT * FROM eval('SELECT 1')",
  ],
  'what reaches out': [
    ...[
      "url('http://127.0.0.1:1/', 'CSV', 'a String')",
      "URL('http://127.0.0.1:1/', 'CSV', 'a String')",
      "`url`('http://127.0.0.1:1/', 'CSV', 'a String')",
      "remote('127.0.0.1:1', system.one)",
      "remoteSecure('127.0.0.1:1', system.one)",
      "cluster('default', system.one)",
      "clusterAllReplicas('default', system.one)",
      "s3('http://127.0.0.1:1/a/b.csv')",
      "gcs('http://127.0.0.1:1/a/b.csv')",
      "hdfs('hdfs://127.0.0.1:1/a', 'CSV', 'a String')",
      "mysql('127.0.0.1:1', 'a', 'b', 'c', 'd')",
      "postgresql('127.0.0.1:1', 'a', 'b', 'c', 'd')",
      "mongodb('127.0.0.1:1', 'a', 'b', 'c', 'd', 'a String')",
      "redis('127.0.0.1:1', 'a', 'a String')",
      "odbc('DSN=x', 'a', 'b')",
      "jdbc('x', 'a', 'b')",
      "azureBlobStorage('x', 'a', 'b')",
      "iceberg('http://127.0.0.1:1/a/')",
      "deltaLake('http://127.0.0.1:1/a/')",
      "hudi('http://127.0.0.1:1/a/')",
      "executable('cat', 'TSV', 'a String')",
      "input('a String')",
      "dictionary('x')",
      "loop('system', 'one')",
      "merge('system', 'processes')",
      "mergeTreeIndex('holdpoint', 'events')",
    ].map((source) => `SELECT * FROM ${source}`),
    "SELECT * FROM events WHERE agent IN (SELECT * FROM url('http://127.0.0.1:1/', 'CSV', 'a String'))",
    "EXPLAIN TABLE OVERRIDE mysql('127.0.0.1:1', 'a', 'b', 'c', 'd') COLUMNS (a String)",
    "SELECT aiGenerate('x')",
  ],
  'what shows other people and the machine': [
    'SELECT * FROM system.processes',
    'SELECT * FROM "system"."processes"',
    'SELECT * FROM `system` . /* x */ `processes`',
    'SELECT * FROM system.disks',
    'SELECT * FROM system.server_settings',
    'SELECT * FROM system.errors',
    'SELECT * FROM system.users',
    'SELECT * FROM system.named_collections',
    'SELECT 1 WHERE 1 IN system.processes',
    'DESCRIBE system.processes',
    "SELECT a FROM values('b UInt8, a UInt8 ALIAS (SELECT count() FROM system.processes)', 1)",
    'SHOW PROCESSLIST',
    'SHOW FULL PROCESSLIST',
    'SHOW USERS',
    'SHOW GRANTS',
    'SHOW ACCESS',
    'USE system',
    'USE nowhere',
    'SELECT addressToLine(1)',
    "SELECT demangle('x')",
  ],
  'what cannot be read': ['', ' ; ', '1 + 1', 'SELEC 1', "SELECT 'open", 'SELECT “x”', 'SELECT 1 FORMAT Nonsense'],
};

for (const [sentence, statements] of Object.entries(REFUSED)) {
  test(`refuses: ${sentence}`, async () => {
    const before = await readdir(endpoint.folder);
    for (const statement of statements) {
      const answer = await endpoint.query(
        statement.replaceAll('FILE', secret).replaceAll('OUT', join(endpoint.folder, 'written')),
      );
      const text = await answer.text();
      const code = answer.headers.get('x-clickhouse-exception-code') ?? 'none';
      expect({ statement, ok: answer.ok, code, text }).toEqual({
        statement,
        ok: false,
        code: expect.stringMatching(/^\d+$/),
        text: expect.stringMatching(/^Code: \d+\. DB::Exception: [^]+ \([A-Z_]+\) \(version 26\.[^]*\)\n$/),
      });
      expect(text).not.toContain('the contents');
    }
    expect(await readdir(endpoint.folder)).toEqual(before);
    expect(await readFile(secret, 'utf8')).toBe('the contents of the file');
    expect(await (await endpoint.query('SELECT count(), sum(seq) FROM events')).text()).toBe('1000\t499500\n');
    expect(await (await endpoint.query('SHOW TABLES')).text()).toBe('events\nminutes\n');
  });
}

const ANSWERED: Readonly<Record<string, string>> = {
  'SELECT count() FROM events': '1000\n',
  'SELECT count() FROM holdpoint.events;': '1000\n',
  'select count() from "holdpoint"."events" ; ;': '1000\n',
  '-- who\nSELECT /* what */ currentDatabase() # where': 'holdpoint\n',
  'WITH 2 AS two SELECT two': '2\n',
  'FROM events SELECT uniqExact(agent)': '5\n',
  '(SELECT 1) UNION ALL (SELECT 1)': '1\n1\n',
  "SELECT 'INTO OUTFILE', 'file(', 'system.processes; DROP'": 'INTO OUTFILE\tfile(\tsystem.processes; DROP\n',
  'SELECT e.system FROM events AS e LIMIT 1': 'payments\n',
  "SELECT format('{} {}', agent, system) FROM events WHERE seq = 1": 'bot-1 payments\n',
  'SELECT sum(number) FROM numbers(10)': '45\n',
  'SELECT count() FROM generate_series(1, 5)': '5\n',
  'SELECT * FROM view(SELECT 1)': '1\n',
  "SELECT a, b FROM values('a UInt8, b String ALIAS toString(a + 1)', 1)": '1\t2\n',
  "SELECT c1 FROM VALUES (('one', 1), ('two', 2))": 'one\ntwo\n',
  'SELECT 1 SETTINGS max_threads = 1, max_execution_time = 5': '1\n',
  'SELECT 1 AS a FORMAT JSONEachRow SETTINGS output_format_json_quote_64bit_integers = 1': '{"a":1}\n',
  'SELECT 1 AS a SETTINGS output_format_json_quote_64bit_integers, max_threads = 1 FORMAT JSONEachRow': '{"a":1}\n',
  'SELECT a.settings FROM (SELECT 1 AS "settings") AS a': '1\n',
  "SELECT count() FROM system.settings WHERE name = 'readonly'": '1\n',
  'SELECT toUInt64(1) AS a SETTINGS output_format_json_quote_64bit_integers = 0 FORMAT JSONEachRow': '{"a":1}\n',
  "SELECT count() FROM events SETTINGS additional_table_filters = {'holdpoint.events': 'agent = \\'bot-1\\''}": '200\n',
  "SHOW DATABASES LIKE 'hold%'": 'holdpoint\n',
  'SHOW TABLES FROM holdpoint': 'events\nminutes\n',
  'SHOW FULL TABLES': 'events\tMergeTree\nminutes\tView\n',
  'SELECT count() > 100 FROM system.functions': '1\n',
  "SELECT count() FROM system.columns WHERE database = 'holdpoint' AND table = 'events'": '8\n',
  "SELECT count() FROM information_schema.tables WHERE table_schema = 'holdpoint'": '2\n',
  'EXISTS TABLE events': '1\n',
  'EXISTS holdpoint.nothing': '0\n',
  'EXPLAIN SYNTAX SELECT 1': 'SELECT 1\nFROM system.one\n',
  'USE holdpoint': '',
  'USE default': '',
  "SELECT $$a$$, $x$it's$x$": "a\tit\\'s\n",
};

test('read-only statements are answered', async () => {
  for (const [statement, expected] of Object.entries(ANSWERED)) {
    const answer = await endpoint.query(statement);
    const text = await answer.text();
    expect({ statement, text, status: answer.status }).toEqual({ statement, text: expected, status: 200 });
  }
  for (const statement of [
    'DESC TABLE events',
    'DESCRIBE (SELECT 1)',
    'SHOW CREATE TABLE events',
    "SHOW SETTINGS LIKE 'max%'",
    'SHOW COLUMNS FROM events',
    'EXPLAIN PIPELINE SELECT 1',
    'SHOW FUNCTIONS',
  ]) {
    const answer = await endpoint.query(statement);
    const text = await answer.text();
    expect({ statement, ok: answer.ok || text }).toEqual({ statement, ok: true });
    expect(text).not.toBe('');
  }
});

test('names that are given as parameters are checked', async () => {
  const sql = 'SELECT count() FROM {d:Identifier}.{t:Identifier}';
  const ask = (database: string, table: string) => endpoint.query(sql, `?param_d=${database}&param_t=${table}`);
  expect(await (await ask('holdpoint', 'events')).text()).toBe('1000\n');
  expect(await (await ask('system', 'processes')).text()).toContain('(ACCESS_DENIED)');
  expect((await endpoint.query('SELECT * FROM {t:Identifier}', '?param_t=system.processes')).ok).toBe(false);
});

test('every table function of the engine is refused, except those that generate their rows', async () => {
  const names = await (await endpoint.query('SELECT name FROM system.table_functions')).text();
  for (const name of names.trim().split('\n')) {
    if (TABLE_FUNCTIONS.has(name.toLowerCase())) continue;
    const text = await (await endpoint.query(`SELECT * FROM ${name}('x', 'y')`)).text();
    expect([name, text.includes('(ACCESS_DENIED)')]).toEqual([name, true]);
  }
});

test('the lists were reviewed against the functions and tables of this engine; look for new ones after an upgrade', async () => {
  expect(await (await endpoint.query('SELECT version()')).text()).toMatch(new RegExp(`^${REVIEWED_ENGINE}\\.`));
});

describe('the check of a statement takes time that grows with its length and no faster', () => {
  const reading = {
    parameters: new Map([['x', Array.from({ length: 5000 }, () => 'a').join('.')]]),
    tableFunctions: new Set(['values']),
  };
  const errorOf = (sql: string): unknown => {
    try {
      readStatement(sql, reading);
      return null;
    } catch (error) {
      return error;
    }
  };
  const fill = (part: string) => `SELECT ${part.repeat(Math.floor(250_000 / part.length))}1`;
  const nested = (depth: number) =>
    Array.from({ length: depth }).reduce<string>((sql, _, n) => `values($t${n}$${sql}$t${n}$)`, '1');
  const LONG: Readonly<Record<string, string>> = {
    'members named settings': fill('a.settings b,'),
    'calls of values': fill("values('a UInt8'),"),
    'brackets after values': fill('values((((('),
    'names from a long parameter': fill('{x:Identifier},'),
    'settings at the end': `SELECT 1 SETTINGS ${fill('a = 1,').slice(7)}`,
    'strings that are SQL in strings that are SQL': `SELECT * FROM ${nested(2000)}`,
  };
  // Each took between ten seconds and for ever when it was quadratic, or exponential; now, milliseconds.
  test.each(Object.entries(LONG))('for %s', { timeout: 5_000 }, (_, sql) => {
    expect(errorOf(sql)).toSatisfy((error) => error === null || error instanceof ServerException);
  });

  test('SQL in strings may nest, but not deeply', () => {
    expect(() => readStatement(`SELECT * FROM ${nested(4)}`, reading)).not.toThrow();
    expect(() => readStatement(`SELECT * FROM ${nested(12)}`, reading)).toThrow('nest too deeply');
    const hidden = "SELECT * FROM values($a$x UInt8 ALIAS (SELECT 1 FROM values('y UInt8 ALIAS file(1)'))$a$, 1)";
    expect(() => readStatement(hidden, reading)).toThrow('Analysts may not use the name file');
  });

  test('a parameter that names too many parts is refused', () => {
    expect(() => readStatement('SELECT {x:Identifier}', reading)).toThrow('too many parts');
  });
});
