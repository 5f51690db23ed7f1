import { markdownTable } from './markdown-table.ts';
import type { Sample, Scenario } from './plan.ts';

/** A median, and how far the rounds lay apart: (highest − lowest) / median. */
export type Figure = { readonly median: number; readonly spread: number };

export type Row = {
  readonly peer: string;
  readonly rounds: number;
  readonly failedRuns: number;
  /** Closed loop: calls per second as a multiple of another peer's in the same round. */
  readonly timesNginx: Figure | null;
  readonly timesHttpProxy: Figure | null;
  /** The same by CPU for each call, which no slow load can distort. */
  readonly timesNginxByCpu: Figure | null;
  readonly rate: Figure | null;
  readonly cpuMicros: Figure | null;
  readonly busy: Figure | null;
  readonly p50: Figure | null;
  readonly p99: Figure | null;
  /** Milliseconds more than the direct upstream's in the same round. */
  readonly addedP50: Figure | null;
  readonly addedP99: Figure | null;
};

export type Table = { readonly scenario: Scenario; readonly rows: readonly Row[] };

/** A peer that used less of its core than this was waiting for the load: its rate is the load's, not its own. */
const SATURATED = 0.9;

function figure(values: readonly (number | null)[]): Figure | null {
  const known = values.filter((value) => value !== null && Number.isFinite(value)) as number[];
  if (known.length === 0) return null;
  const sorted = known.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  const median = (sorted[Math.ceil(middle) - 1]! + sorted[Math.floor(middle)]!) / 2;
  return { median, spread: median === 0 ? 0 : (sorted.at(-1)! - sorted[0]!) / Math.abs(median) };
}

/** Samples to figures. A run with any failure counts as failed and in no figure. */
export function summarise(
  scenario: Scenario,
  peers: readonly { readonly name: string }[],
  samples: readonly Sample[],
): Table {
  const mine = samples.filter((sample) => sample.scenario === scenario.name);
  const sound = mine.filter((sample) => sample.failures === 0);
  const rows = peers.map(({ name: peer }): Row => {
    const runs = sound.filter((sample) => sample.peer === peer);
    /** `value` of each of the peer's runs together with another peer's run in the same round. */
    const against = (other: string, value: (run: Sample, other: Sample) => number | null): Figure | null =>
      figure(
        runs.map((run) => {
          const pair = sound.find((sample) => sample.peer === other && sample.round === run.round);
          return pair ? value(run, pair) : null;
        }),
      );
    const each = (value: (run: Sample) => number | null): Figure | null => figure(runs.map(value));
    const closed = scenario.kind === 'closed';
    return {
      peer,
      rounds: runs.length,
      failedRuns: mine.filter((sample) => sample.peer === peer).length - runs.length,
      timesNginx: closed ? against('nginx proxy_pass', (run, other) => run.rate / other.rate) : null,
      timesHttpProxy: closed ? against('@fastify/http-proxy', (run, other) => run.rate / other.rate) : null,
      timesNginxByCpu: closed
        ? against(
            'nginx proxy_pass',
            (run, other) => run.cpuMicros && other.cpuMicros && other.cpuMicros / run.cpuMicros,
          )
        : null,
      rate: each((run) => run.rate),
      cpuMicros: each((run) => run.cpuMicros),
      busy: each((run) => run.busy),
      p50: each((run) => run.p50),
      p99: each((run) => run.p99),
      addedP50: closed ? null : against('direct upstream', (run, other) => run.p50 - other.p50),
      addedP99: closed ? null : against('direct upstream', (run, other) => run.p99 - other.p99),
    };
  });
  return { scenario, rows };
}

const show = (value: Figure | null, digits: number): string =>
  value ? value.median.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits }) : '–';
const spread = (value: Figure | null): string => (value ? `±${Math.round(value.spread * 50)} %` : '–');

function columns(scenario: Scenario): readonly (readonly [title: string, cell: (row: Row) => string])[] {
  if (scenario.kind === 'open') {
    return [
      ['peer', (row) => row.peer],
      ['added p50 ms', (row) => show(row.addedP50, 2)],
      ['added p99 ms', (row) => show(row.addedP99, 2)],
      ['p50 ms', (row) => show(row.p50, 2)],
      ['p99 ms', (row) => show(row.p99, 2)],
      ['p99 spread', (row) => spread(row.p99)],
      ['CPU µs/call', (row) => show(row.cpuMicros, 0)],
      ['failed runs', (row) => String(row.failedRuns)],
    ];
  }
  return [
    ['peer', (row) => row.peer],
    ['× nginx', (row) => show(row.timesNginx, 2)],
    ['× http-proxy', (row) => show(row.timesHttpProxy, 2)],
    ['× nginx by CPU', (row) => show(row.timesNginxByCpu, 2)],
    ['calls/s', (row) => show(row.rate, 0)],
    ['spread', (row) => spread(row.rate)],
    ['CPU µs/call', (row) => show(row.cpuMicros, 1)],
    ['of its core', (row) => (row.busy ? `${Math.round(row.busy.median * 100)} %` : '–')],
    ['p50 ms', (row) => show(row.p50, 2)],
    ['p99 ms', (row) => show(row.p99, 2)],
    ['failed runs', (row) => String(row.failedRuns)],
  ];
}

/** Markdown of one table, with a word on each figure not to be trusted. */
export function toMarkdown({ scenario, rows }: Table): string {
  const shown = columns(scenario);
  const titles = shown.map(([title]) => title);
  const cells = rows.map((row) => shown.map(([, cell]) => cell(row)));
  const notes = [
    ...rows
      .filter((row) => row.failedRuns > 0)
      .map((row) => `${row.peer}: ${row.failedRuns} run(s) failed and are not counted.`),
    ...rows
      .filter((row) => scenario.kind === 'closed' && row.busy && row.busy.median < SATURATED)
      .map((row) => `${row.peer}: bound by the load, not by itself; trust the ratio by CPU.`),
  ];
  return [`### ${scenario.name}`, '', markdownTable(titles, cells), ...notes.map((note) => `\n${note}`)].join('\n');
}
