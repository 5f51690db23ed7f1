import { afterAll, beforeAll, expect, test } from 'vitest';
import { until } from '../events.ts';
import { startQueryEndpoint, type TestQueryEndpoint } from './start-query-endpoint.ts';

let endpoint: TestQueryEndpoint;
beforeAll(async () => {
  endpoint = await startQueryEndpoint();
  await endpoint.writer.command({ query: 'CREATE TABLE holdpoint.written (n UInt64) ENGINE = MergeTree ORDER BY n' });
});
afterAll(() => endpoint[Symbol.asyncDispose]());

/** Bound by the processor, by memory, by sleeping, by the size of the answer. */
const HEAVY = [
  'SELECT count() FROM numbers(1e12) WHERE sipHash64(number) = 1',
  'SELECT count() FROM numbers(1e6) AS a CROSS JOIN numbers(1e6) AS b WHERE a.number + b.number = 7',
  'SELECT length(groupArray(number)) FROM numbers(1e10)',
  'SELECT number, uniqExact(number % 1000) FROM numbers(1e9) GROUP BY number ORDER BY number DESC',
  'SELECT sleepEachRow(1) FROM numbers(1000) SETTINGS max_block_size = 1',
  "SELECT repeat('x', 1000) FROM numbers(1e6)",
];

const analystsQueries = async () => {
  const rows = await endpoint.writer.query({
    query: "SELECT count() AS n FROM system.processes WHERE Settings['log_comment'] LIKE 'analyst %'",
    format: 'JSONEachRow',
  });
  return Number((await rows.json<{ n: string }>())[0]!.n);
};

/** Milliseconds that each of some inserts took. */
async function insert(times: number): Promise<number[]> {
  const took: number[] = [];
  for (let n = 0; n < times; n++) {
    const since = performance.now();
    await endpoint.writer.command({
      query: `INSERT INTO holdpoint.written SELECT number FROM numbers(${n * 1000}, 1000)`,
    });
    took.push(performance.now() - since);
  }
  return took;
}

test('a runaway query does not stop the writer, and ends when its client disconnects', async () => {
  const quiet = await insert(20);
  const hangUp = new AbortController();
  const asked = [...HEAVY, ...HEAVY].map(async (sql) => {
    const answer = await endpoint.ask('/', { method: 'POST', body: sql, signal: hangUp.signal });
    return answer.text();
  });
  const ended = Promise.allSettled(asked);
  await until(async () => (await analystsQueries()) > 0);
  const busy = await insert(40);
  hangUp.abort();
  await ended;
  await until(async () => (await analystsQueries()) === 0);
  const rows = await endpoint.writer.query({
    query: 'SELECT count() AS c, uniqExact(n) AS u FROM holdpoint.written',
    format: 'JSONEachRow',
  });
  expect(await rows.json()).toEqual([{ c: 60_000, u: 40_000 }]);
  const median = (times: number[]) => times.toSorted((a, b) => a - b)[Math.floor(times.length / 2)]!.toFixed(1);
  console.log(
    `inserts beside nothing: median ${median(quiet)} ms, longest ${Math.max(...quiet).toFixed(0)} ms; beside runaway` +
      ` queries: median ${median(busy)} ms, longest ${Math.max(...busy).toFixed(0)} ms`,
  );
});

test('a few queries run at once and others wait, and one analyst cannot take every slot', async () => {
  const hangUp = new AbortController();
  const forEver = 'SELECT sleepEachRow(1) FROM numbers(1000) SETTINGS max_block_size = 1';
  const asked = Array.from({ length: 5 }, () =>
    endpoint.ask('/', { method: 'POST', body: forEver, signal: hangUp.signal }).catch(() => null),
  );
  await until(async () => (await analystsQueries()) === 2);
  const ben = `Basic ${Buffer.from('ben@example.com:token of ben').toString('base64')}`;
  const other = await endpoint.ask('/?query=SELECT+1', { headers: { authorization: ben } });
  expect(await other.text()).toBe('1\n');
  expect(await analystsQueries()).toBe(2);
  hangUp.abort();
  await Promise.all(asked);
  await until(async () => (await analystsQueries()) === 0);
  expect(await (await endpoint.query('SELECT 1')).text()).toBe('1\n');
});

test('an analyst cancels a query by its id, as drivers do, and never that of another', async () => {
  const forEver = 'SELECT sleepEachRow(1) FROM numbers(1000) SETTINGS max_block_size = 1';
  const running = endpoint.ask('/?query_id=mine', { method: 'POST', body: forEver });
  await until(async () => (await analystsQueries()) === 1);
  const ben = `Basic ${Buffer.from('ben@example.com:token of ben').toString('base64')}`;
  const kill = "KILL QUERY WHERE query_id = 'mine'";
  expect((await endpoint.ask('/', { method: 'POST', body: kill, headers: { authorization: ben } })).status).toBe(200);
  expect((await endpoint.query("KILL QUERY WHERE query_id = 'other' ASYNC")).status).toBe(200);
  const refused = [
    "KILL QUERY WHERE query_id = 'mine' OR 1",
    "KILL QUERY WHERE user = 'x'",
    "KILL QUERY WHERE query_id != 'm'",
  ];
  for (const sql of refused) expect(await (await endpoint.query(sql)).text()).toContain('(READONLY)');
  expect(await analystsQueries()).toBe(1);
  expect((await endpoint.query(kill)).status).toBe(200);
  expect(await (await running).text()).toContain('(QUERY_WAS_CANCELLED)');
  await until(async () => (await analystsQueries()) === 0);
});
