/** Times the numbers next to the buttons on a year of work: `node bench/console/numbers.ts --help`. */
import { loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { createReviewRecord } from '../../audit/calls/review-record.ts';
import type { NumbersOf } from '../../gateway/domain/review-record.ts';
import { median, quantile } from '../holds/figures.ts';
import { markdownTable } from '../markdown-table.ts';
import { cpuMicros } from '../proc.ts';
import { YEAR } from '../year/facts.ts';
import { withYear } from '../year/with-year.ts';

/** Milliseconds that a page waits for them. */
const GOAL = 200;
const HOLDS = 200;
const DAY = 86_400_000;

const HELP = `node bench/console/numbers.ts --data DIR [--events N]

  --data DIR     where the year is, or will be written to
  --events N     how many events to write when there are none (10,000,000)
`;

async function main(data: string, events: number): Promise<void> {
  await withYear(data, events, async (client, engine) => {
    const rows = async <Row>(query: string): Promise<Row[]> =>
      (await client.query({ query, format: 'JSONEachRow' })).json<Row>();
    const [counted] = await rows<{ all: string; lately: string }>(
      `SELECT count() AS all, countIf(at >= fromUnixTimestamp64Milli(${YEAR.to - 30 * DAY})) AS lately FROM holdpoint.events`,
    );
    // One after the other, as people open them: other agents, operations and rules each time.
    const holds = await rows<NumbersOf>(
      `SELECT hold_id AS hold, agent, system, operation, rules[1] AS rule FROM holdpoint.holds
       WHERE opened_at >= fromUnixTimestamp64Milli(${YEAR.to - DAY}) ORDER BY cityHash64(hold_id) LIMIT ${HOLDS}`,
    );
    const record = createReviewRecord(client, () => YEAR.to);
    const before = cpuMicros(engine);
    const load = loadavg()[0]!;
    const times: number[] = [];
    for (const of of holds) {
      const began = performance.now();
      await record.numbers(of, AbortSignal.timeout(10_000));
      times.push(performance.now() - began);
    }
    const after = cpuMicros(engine);
    const n = (value: number): string => Math.round(value).toLocaleString('en');
    const cpu = before === null || after === null ? '' : n((after - before) / 1000 / holds.length);
    const inTime = times.filter((took) => took <= GOAL).length;
    const titles = ['events', 'within 30 days', 'holds', 'p50 ms', 'p95 ms', 'CPU ms', `within ${GOAL} ms`, 'load'];
    const cells = [n(Number(counted!.all)), n(Number(counted!.lately)), n(holds.length), n(median(times))];
    cells.push(n(quantile(times, 0.95)), cpu, `${n((100 * inTime) / holds.length)} %`, load.toFixed(1));
    process.stdout.write(`${markdownTable(titles, [cells])}\n`);
  });
}

const { values } = parseArgs({
  options: { data: { type: 'string' }, events: { type: 'string', default: '10000000' } },
});
if (values.data === undefined) process.stdout.write(HELP);
else await main(values.data, Number(values.events));
