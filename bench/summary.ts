import { markdownTable } from './markdown-table.ts';
import { DIRECT, HTTP_PROXY, NGINX, NGINX_OPA } from './peer-names.ts';
import type { Sample, Scenario } from './plan.ts';

/** A median, the lowest and highest of the rounds, and how far these lay apart: (highest − lowest) / median. */
export type Figure = { readonly median: number; readonly low: number; readonly high: number; readonly spread: number };

export type Row = {
  readonly peer: string;
  /** Runs that count. */
  readonly rounds: number;
  readonly failedRuns: number;
  /** Closed loop: as a multiple of another peer's in the same round, by that peer's name. */
  readonly times: Readonly<Record<string, Times>>;
  readonly rate: Figure | null;
  readonly cpuMicros: Figure | null;
  readonly elsewhereMicros: Figure | null;
  readonly busy: Figure | null;
  readonly p50: Figure | null;
  readonly p99: Figure | null;
  /** At a constant rate: milliseconds more than the direct upstream's in the same round. */
  readonly addedP50: Figure | null;
  readonly addedP90: Figure | null;
  readonly addedP99: Figure | null;
  /** The same peer's run of the scenario that this one is compared with, in the same round; null if there is none. */
  readonly beside: Beside | null;
};

/** Ratios as `Times`, and by how many milliseconds the 90th and the 99th percentile are longer. */
export type Beside = Times & { readonly p90: Figure | null; readonly p99: Figure | null };

/** Calls per second; and calls for the same CPU, which no slow load can distort. */
export type Times = { readonly rate: Figure | null; readonly cpu: Figure | null };

export type Table = { readonly scenario: Scenario; readonly rows: readonly Row[] };

/** The peers that others are compared with, and the headings of their columns. */
const REFERENCES: readonly (readonly [peer: string, title: string])[] = [
  [NGINX, 'nginx'],
  [HTTP_PROXY, 'http-proxy'],
  [NGINX_OPA, 'nginx + OPA'],
];

/** A peer that used less of its core than this was waiting for the load: its rate is the load's, not its own. */
const BUSY = 0.9;

/** Milliseconds. A run whose generator was later in more than one of ten cases says nothing about a 90th percentile. */
const LATE_90 = 0.25;

export function isLoadBound({ scenario }: Table, { busy }: Row): boolean {
  return isClosed(scenario) && busy !== null && busy.median < BUSY;
}

/** Why a run counts in no figure, or null. */
export function failureOf(sample: Pick<Sample, 'failures' | 'saturated'>): string | null {
  if (sample.failures > 0) return `${sample.failures} calls without a 2xx answer`;
  return sample.saturated ? `the load generator was the limit: ${sample.saturated}` : null;
}

function figure(values: readonly (number | null)[]): Figure | null {
  const known = values.filter((value) => value !== null && Number.isFinite(value)) as number[];
  if (known.length === 0) return null;
  const sorted = known.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  const median = (sorted[Math.ceil(middle) - 1]! + sorted[Math.floor(middle)]!) / 2;
  const [low, high] = [sorted[0]!, sorted.at(-1)!];
  return { median, low, high, spread: median === 0 ? 0 : (high - low) / Math.abs(median) };
}

/**
 * Turns samples into figures. A run with a wrong answer is in no figure. A run that the load generator limited counts
 * as failed too, but still shows the peer's CPU for each call.
 */
export function summarise(
  scenario: Scenario,
  peers: readonly { readonly name: string }[],
  samples: readonly Sample[],
): Table {
  const answered = samples.filter((sample) => sample.failures === 0);
  const sound = answered.filter((sample) => failureOf(sample) === null);
  const punctual = answered.filter(({ lateness90 = Infinity }) => lateness90 <= LATE_90);
  const longer90 = (run: Sample, other: Sample): number => run.p90! - other.p90!;
  const closed = isClosed(scenario);
  const atOneRate = scenario.kind === 'open' || scenario.kind === 'events';
  const rows = peers.map(({ name: peer }): Row => {
    const of = (runs: readonly Sample[]): readonly Sample[] =>
      runs.filter((sample) => sample.scenario === scenario.name && sample.peer === peer);
    /** `value` of each of the peer's runs together with another run in the same round. */
    const against =
      (other: Pick<Sample, 'scenario' | 'peer'>) =>
      (value: (run: Sample, pair: Sample) => number | null, runs: readonly Sample[] = sound): Figure | null =>
        figure(
          of(runs).map((run) => {
            const pair = runs.find(
              (sample) =>
                sample.scenario === other.scenario && sample.peer === other.peer && sample.round === run.round,
            );
            return pair ? value(run, pair) : null;
          }),
        );
    const times = (compared: ReturnType<typeof against>): Times => ({
      rate: compared((run, pair) => run.rate / pair.rate),
      cpu: compared((run, pair) => run.cpuMicros && pair.cpuMicros && pair.cpuMicros / run.cpuMicros, answered),
    });
    const each = (value: (run: Sample) => number | null, runs: readonly Sample[] = sound): Figure | null =>
      figure(of(runs).map(value));
    const withPeer = (name: string) => against({ scenario: scenario.name, peer: name });
    const beside = scenario.beside === undefined ? null : against({ scenario: scenario.beside, peer });
    return {
      peer,
      rounds: of(sound).length,
      failedRuns: of(samples).length - of(sound).length,
      times: closed ? Object.fromEntries(REFERENCES.map(([name]) => [name, times(withPeer(name))])) : {},
      rate: each((run) => run.rate),
      cpuMicros: each((run) => run.cpuMicros, answered),
      elsewhereMicros: each((run) => run.elsewhereMicros, answered),
      busy: each((run) => run.busy, answered),
      p50: each((run) => run.p50),
      p99: each((run) => run.p99),
      addedP50: atOneRate ? withPeer(DIRECT)((run, other) => run.p50 - other.p50) : null,
      addedP90: atOneRate ? withPeer(DIRECT)(longer90, punctual) : null,
      addedP99: atOneRate ? withPeer(DIRECT)((run, other) => run.p99 - other.p99) : null,
      beside: beside && {
        ...times(beside),
        p90: beside(longer90, punctual),
        p99: beside((run, other) => run.p99 - other.p99),
      },
    };
  });
  return { scenario, rows };
}

/** Whether each caller waits for its answer before it calls again, so that the peer sets the rate. */
function isClosed({ kind }: Scenario): boolean {
  return kind === 'closed' || kind === 'cancelled';
}

export const show = (value: Figure | null | undefined, digits: number): string =>
  value ? value.median.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits }) : '–';
export const spread = (value: Figure | null | undefined): string =>
  value ? `±${Math.round(value.spread * 50)} %` : '–';

type Column = readonly [title: string, cell: (row: Row) => string];

function columns({ scenario, rows }: Table): readonly Column[] {
  const unit = scenario.kind === 'events' ? 'event' : 'call';
  const peer: Column = ['peer', (row) => row.peer];
  const rate: Column = [`${unit}s/s`, (row) => show(row.rate, 0)];
  const waited: readonly Column[] = [
    ['p50 ms', (row) => show(row.p50, 2)],
    ['p99 ms', (row) => show(row.p99, 2)],
  ];
  const cpu: readonly Column[] = [
    [`CPU µs/${unit}`, (row) => show(row.cpuMicros, 1)],
    ['and elsewhere', (row) => show(row.elsewhereMicros, 1)],
  ];
  const failed: Column = ['failed runs', (row) => String(row.failedRuns)];
  if (!isClosed(scenario)) {
    const added: readonly Column[] = [
      ['added p50 ms', (row) => show(row.addedP50, 2)],
      ['added p90 ms', (row) => show(row.addedP90, 2)],
      ['added p99 ms', (row) => show(row.addedP99, 2)],
    ];
    const first = scenario.kind === 'half' ? [] : added;
    const longer: readonly Column[] = [
      ['p90 ms over compared', (row) => show(row.beside?.p90, 2)],
      ['p99 ms over compared', (row) => show(row.beside?.p99, 2)],
      ['× compared by CPU', (row) => show(row.beside?.cpu, 2)],
    ];
    return [
      peer,
      ...first,
      ...(scenario.beside === undefined ? [] : longer),
      ...waited,
      ['p99 spread', (row) => spread(row.p99)],
      rate,
      ...cpu,
      failed,
    ];
  }
  const present = REFERENCES.filter(([name]) => rows.some((row) => row.peer === name));
  const ratios = present.flatMap(([name, title]): readonly Column[] => [
    [`× ${title}`, (row) => show(row.times[name]?.rate, 2)],
    ['by CPU', (row) => show(row.times[name]?.cpu, 2)],
  ]);
  const compared: readonly Column[] = [
    ['× compared', (row) => show(row.beside?.rate, 2)],
    ['by CPU', (row) => show(row.beside?.cpu, 2)],
  ];
  const busy: Column = ['of its core', (row) => (row.busy ? `${Math.round(row.busy.median * 100)} %` : '–')];
  const others = scenario.beside === undefined ? ratios : [...compared, ...ratios];
  return [peer, ...others, rate, ['spread', (row) => spread(row.rate)], ...cpu, busy, ...waited, failed];
}

/** Markdown of one table, with a word on each figure not to be trusted. */
export function toMarkdown(table: Table): string {
  const { scenario, rows } = table;
  const shown = columns(table);
  const titles = shown.map(([title]) => title);
  const cells = rows.map((row) => shown.map(([, cell]) => cell(row)));
  const failed = rows.filter((row) => row.failedRuns > 0).map((row) => `${row.peer} (${row.failedRuns})`);
  const idle = rows.filter((row) => row.rounds > 0 && isLoadBound(table, row)).map(({ peer }) => peer);
  const notes = [
    scenario.beside !== undefined && `Compared with the same peer’s run of “${scenario.beside}” in the same round.`,
    failed.length > 0 &&
      `Failed runs, by a wrong answer or because the load was the limit; of the latter only CPU is taken: ${failed.join(', ')}.`,
    idle.length > 0 &&
      `With time left, so that load, disk or neighbours set the rate, and the ratio by CPU is the one to trust: ${idle.join(', ')}.`,
  ].filter((note) => note !== false);
  return [`### ${scenario.name}`, '', markdownTable(titles, cells), ...notes.map((note) => `\n${note}`)].join('\n');
}
