/** Times what people ask of a year of work: `node bench/audit/queries.ts --help`. */
import { parseArgs } from 'node:util';
import type { ClickHouseClient } from '@clickhouse/client';
import { createCallLog } from '../../audit/calls/call-log.ts';
import { createReports, loadReports } from '../../audit/reports/reports.ts';
import type { CallFilter } from '../../gateway/domain/call-log.ts';
import { ReportTookTooLong } from '../../gateway/domain/report.ts';
import { markdownTable } from '../markdown-table.ts';
import { cpuMicros } from '../proc.ts';
import { day, FACTS, YEAR } from '../year/facts.ts';
import { withYear } from '../year/with-year.ts';

export type QueryFigures = {
  readonly events: number;
  readonly queries: readonly Timed[];
  readonly tables: readonly Stored[];
  /** Of `holdpoint.events`, the largest first. */
  readonly columns: readonly Stored[];
};

/** Milliseconds; infinite if the client gave up. */
type Timed = {
  readonly name: string;
  /** Once, with the engine's own caches empty; the operating system's are as they are. */
  readonly cold: number;
  /** The median of the runs after that. */
  readonly p50: number;
  /** The engine's CPU time for each of these: what a busy neighbour does not change. Null where it cannot be read. */
  readonly cpu: number | null;
};

/** Bytes on disk for each event of the year. */
type Stored = { readonly name: string; readonly rows: number; readonly bytesPerEvent: number };

const GOAL = 1_000;
const RUNS = 5;
const COLUMNS = 12;

/** What the queries look for, and where in the year it is. */
const SEARCHES: Readonly<Record<string, CallFilter>> = {
  'the latest': {},
  'of an agent': { agent: FACTS.drifting.agent },
  'blocked in a system': { system: 'database', verdict: 'block' },
  'stopped by a rule': { rule: FACTS.slowGroup.rule },
  'failed in an outage': { system: FACTS.outage.system, failure: 'system-failed', to: day(6, 1) },
  'words of a reason, rare': { text: 'another customer' },
  'words of a reason, none': { text: 'nobody ever said this' },
  'a task': { task: 'T-20000' },
  'of a day in March': { from: day(3, 18), to: day(3, 19) },
};

/** @param pid the engine's */
export async function benchQueries(
  client: ClickHouseClient,
  pid: number,
  { only = '', onProgress }: { readonly only?: string; readonly onProgress?: (found: Timed) => void } = {},
): Promise<QueryFigures> {
  const queries: Timed[] = [];
  const time = async (name: string, ask: () => Promise<unknown>): Promise<void> => {
    if (!name.includes(only)) return;
    const found = await measure(client, pid, name, ask);
    queries.push(found);
    onProgress?.(found);
  };

  const reports = createReports(client, await loadReports(), { clock: () => YEAR.to });
  for (const { name, parameters } of reports.list()) {
    const usual = parameters.find((parameter) => parameter.name === 'from')?.default ?? '';
    await time(`report ${name}, ${usual}`, () => reports.run(name, {}));
    await time(`report ${name}, the year`, () => reports.run(name, { from: new Date(YEAR.from).toISOString() }));
  }

  const calls = createCallLog(client, { clock: () => YEAR.to });
  for (const [name, filter] of Object.entries(SEARCHES))
    await time(`calls: ${name}`, () => calls.search(filter, { limit: 50 }));
  const { items } = await calls.search({ from: day(3, 18), to: day(3, 19) }, { limit: 1 });
  const [one] = items;
  if (one) await time('one call and its steps', () => calls.story(one.call_id));
  return { queries, ...(await storage(client)) };
}

async function measure(
  client: ClickHouseClient,
  pid: number,
  name: string,
  ask: () => Promise<unknown>,
): Promise<Timed> {
  const timed = async (): Promise<number> => {
    const began = performance.now();
    const gaveUp = await ask().then(
      () => false,
      (error: unknown) => isImpatience(error) || Promise.reject(error),
    );
    return gaveUp ? Infinity : performance.now() - began;
  };
  for (const cache of ['MARK', 'UNCOMPRESSED', 'QUERY CONDITION'])
    await client.command({ query: `SYSTEM DROP ${cache} CACHE` });
  const cold = await timed();
  const before = cpuMicros(pid);
  const warm: number[] = [];
  for (let run = 0; run < RUNS; run += 1) warm.push(await timed());
  const after = cpuMicros(pid);
  const cpu = before === null || after === null ? null : (after - before) / 1000 / RUNS;
  return { name, cold, p50: warm.sort((a, b) => a - b)[RUNS >> 1]!, cpu };
}

/** Reports and searches have limits of their own. Anything else is not about time. */
function isImpatience(error: unknown): boolean {
  return error instanceof ReportTookTooLong || (error instanceof Error && /aborted|timeout/i.test(error.message));
}

async function storage(client: ClickHouseClient): Promise<Omit<QueryFigures, 'queries'>> {
  const select = async <Row>(query: string): Promise<Row[]> =>
    (await client.query({ query, format: 'JSONEachRow' })).json<Row>();
  const [counted] = await select<{ n: string }>('SELECT count() AS n FROM holdpoint.events');
  const events = Number(counted!.n);
  const stored = (rows: readonly Sized[]): Stored[] =>
    rows.map((each) => ({ name: each.name, rows: Number(each.rows), bytesPerEvent: Number(each.bytes) / events }));
  type Sized = { name: string; rows: string; bytes: string };
  const tables = await select<Sized>(`
    SELECT table AS name, sum(rows) AS rows, sum(bytes_on_disk) AS bytes
    FROM system.parts WHERE database = 'holdpoint' AND active GROUP BY table ORDER BY bytes DESC`);
  const columns = await select<Sized>(`
    SELECT column AS name, sum(rows) AS rows, sum(column_data_compressed_bytes) AS bytes
    FROM system.parts_columns WHERE database = 'holdpoint' AND table = 'events' AND active
    GROUP BY column ORDER BY bytes DESC LIMIT ${COLUMNS}`);
  return { events, tables: stored(tables), columns: stored(columns) };
}

/** The figures as tables for people. */
export function describeQueries({ events, queries, tables, columns }: QueryFigures): string {
  const whole = (n: number): string => (n === Infinity ? 'gave up' : Math.round(n).toLocaleString('en'));
  const each = ({ name, rows, bytesPerEvent }: Stored): string[] => [name, whole(rows), bytesPerEvent.toFixed(1)];
  const late = queries.filter(({ p50 }) => p50 > GOAL);
  return [
    `${whole(events)} events; p50 of ${RUNS} runs`,
    markdownTable(
      ['question', 'cold ms', 'warm p50 ms', 'CPU ms', 'goal'],
      queries.map(({ name, cold, p50, cpu }) => [
        name,
        whole(cold),
        whole(p50),
        cpu === null ? '' : whole(cpu),
        p50 > GOAL ? 'missed' : 'met',
      ]),
    ),
    `${queries.length - late.length} of ${queries.length} within ${whole(GOAL)} ms`,
    markdownTable(['table', 'rows', 'bytes per event'], tables.map(each)),
    markdownTable(['column of events', 'rows', 'bytes per event'], columns.map(each)),
  ].join('\n\n');
}

const HELP = `node bench/audit/queries.ts --data DIR [--events N]

  --data DIR     where the year is, or will be written to
  --events N     how many events to write when there are none (10,000,000)
  --only TEXT    only questions whose name contains TEXT
`;

async function main(data: string, events: number, only: string): Promise<void> {
  await withYear(data, events, async (client, engine) => {
    const onProgress = ({ name, p50 }: Timed) => process.stderr.write(`${name}: ${Math.round(p50)} ms\n`);
    const figures = await benchQueries(client, engine, { only, onProgress });
    process.stdout.write(`${describeQueries(figures)}\n`);
  });
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      data: { type: 'string' },
      events: { type: 'string', default: '10000000' },
      only: { type: 'string', default: '' },
    },
  });
  if (values.data === undefined) process.stdout.write(HELP);
  else await main(values.data, Number(values.events), values.only);
}
