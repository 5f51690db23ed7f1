import { markdownTable } from '../markdown-table.ts';
import { median } from '../holds/figures.ts';
import type { ReloadSample } from './reload.ts';
import type { SoakSample } from './soak.ts';
import { medianOf, type StartRound } from './start.ts';
import { fitTrend } from './trend.ts';
import type { WorkersSample } from './workers.ts';

/** The measurements; empty for those that `--only` left out. */
export type Samples = {
  readonly start: readonly StartRound[];
  readonly reload: ReloadSample | null;
  readonly workers: readonly WorkersSample[];
  readonly soak: SoakSample | null;
};

type Row = { readonly what: string; readonly goal: string; readonly found: string; readonly met: boolean | null };

const ms = (value: number): string => `${value.toFixed(0)} ms`;
const megabytes = (value: number): string => `${value.toFixed(0)} MB`;
const micros = (value: number): string => `${value.toFixed(0)} µs`;

/** The tables as Markdown, and whether anything went wrong. A goal that is not met is nothing gone wrong. */
export function report(
  samples: Samples,
  broken: readonly string[],
  about: Readonly<Record<string, string>>,
): { readonly text: string; readonly failed: boolean } {
  const failures = [...broken, ...failuresOf(samples)];
  const list = (lines: readonly string[]): string => lines.map((line) => `- ${line}`).join('\n');
  const rows = [...startRows(samples.start), ...reloadRows(samples.reload), ...workerRows(samples.workers)];
  const text = [
    `## Operation, ${new Date().toISOString().slice(0, 10)}`,
    'How: [README](../README.md#operation).',
    markdownTable(
      ['', 'goal', 'found', 'met'],
      [...rows, ...soakRows(samples.soak)].map(({ what, goal, found, met }) => [
        what,
        goal,
        found,
        met === null ? '–' : met ? 'yes' : 'NO',
      ]),
    ),
    samples.start.length > 0 && `### Memory after a start, MB\n\n${memoryTable(samples.start)}`,
    samples.workers.length > 0 && `### Two workers, on paper\n\n${onPaper(samples.workers)}`,
    samples.soak && `### Soak\n\n${soakTable(samples.soak)}`,
    failures.length > 0 && `### Failures\n\n${list(failures)}`,
    `### Machine and versions\n\n${list(Object.entries(about).map(([name, value]) => `${name}: ${value}`))}`,
  ];
  return { text: text.filter(Boolean).join('\n\n'), failed: failures.length > 0 };
}

// --- start and memory

const WHICH = [
  ['first', 'in a new data folder'],
  ['second', 'with code compiled before'],
] as const;

function startRows(rounds: readonly StartRound[]): Row[] {
  if (rounds.length === 0) return [];
  const starts = WHICH.map(([which, name]): Row => {
    const firstCall = medianOf(rounds, which, (sample) => sample.firstCall);
    const cpu = medianOf(rounds, which, (sample) => sample.cpu);
    return {
      what: `start to the first call answered, ${name}`,
      goal: '≤ 2 s',
      found: `${ms(firstCall)} (${ms(cpu)} of CPU)`,
      met: firstCall <= 2_000,
    };
  });
  const idle = WHICH.map(([which, name]): Row => {
    const resident = medianOf(rounds, which, ({ memory }) => memory.worker!.resident);
    const own = medianOf(rounds, which, ({ memory }) => memory.worker!.own);
    return {
      what: `a worker that is idle, started ${name}`,
      goal: '≤ 120 MB',
      found: `${megabytes(resident)} resident, ${megabytes(own)} of it its own`,
      met: resident <= 120,
    };
  });
  return [...starts, ...idle];
}

function memoryTable(rounds: readonly StartRound[]): string {
  const rows = (['supervisor', 'control', 'worker', 'ClickHouse'] as const).map((role) => [
    role,
    ...WHICH.flatMap(([which]) =>
      (['resident', 'own'] as const).map((kind) =>
        medianOf(rounds, which, ({ memory }) => memory[role]?.[kind] ?? 0).toFixed(0),
      ),
    ),
  ]);
  return markdownTable(['', 'first start: resident', 'its own', 'second start: resident', 'its own'], rows);
}

// --- policy

function reloadRows(sample: ReloadSample | null): Row[] {
  if (!sample || sample.changes.length === 0) return [];
  const { changes, calls, failures, p99 } = sample;
  const enforced = changes.map((change) => change.enforced);
  return [
    {
      what: `policy saved to enforced on both workers, at 500 calls/s, ${changes.length} changes`,
      goal: '≤ 250 ms',
      found: `${ms(median(enforced))}, at most ${ms(Math.max(...enforced))}; on the first worker ${ms(median(changes.map(({ first }) => first)))}`,
      met: median(enforced) <= 250,
    },
    {
      what: 'calls that failed meanwhile',
      goal: 'none',
      found: `${failures.length} of ${calls}; p99 ${p99.changing.toFixed(1)} ms while a change was on its way, ${p99.quiet.toFixed(1)} ms otherwise`,
      met: failures.length === 0,
    },
  ];
}

// --- workers

const of = (samples: readonly WorkersSample[], workers: number, pick: (sample: WorkersSample) => number): number =>
  median(samples.filter((sample) => sample.workers === workers).map(pick));

/** The cost of two workers on two cores, estimated from two on one core, which they share with everything else. */
const factor = (samples: readonly WorkersSample[]): number =>
  (2 * of(samples, 1, ({ worker }) => worker)) / of(samples, 2, ({ worker }) => worker);

function workerRows(samples: readonly WorkersSample[]): Row[] {
  if (samples.length === 0) return [];
  const found = factor(samples);
  return [
    {
      what: 'two workers / one worker, on paper',
      goal: '≥ 1.8',
      found: `× ${found.toFixed(2)}`,
      met: found >= 1.8,
    },
  ];
}

function onPaper(samples: readonly WorkersSample[]): string {
  const rows = [1, 2].map((workers) => [
    `${workers} on one core`,
    micros(of(samples, workers, ({ worker }) => worker)),
    micros(of(samples, workers, ({ common }) => common)),
    of(samples, workers, ({ perSecond }) => perSecond).toFixed(0),
  ]);
  const [one, two, common] = [
    of(samples, 1, ({ worker }) => worker),
    of(samples, 2, ({ worker }) => worker),
    of(samples, 2, ({ common }) => common),
  ];
  return [
    markdownTable(['workers', 'CPU of the workers, a call', 'of all other processes', 'calls/s'], rows),
    `On two cores of their own: 2 × ${micros(one)} / ${micros(two)} = ${factor(samples).toFixed(2)} times the calls, as long as a third core has ${micros(common)} for each of them (control and ClickHouse, which may also run behind: the journal keeps what they have not taken).`,
    'What it shows is how much dearer calls become with a second worker on the same core: both have a journal to sync and a heap of their own, and each change between them costs caches, which two cores would not pay. So it is no proof that nothing is shared. What it cannot show: waiting that burns no time (both journals share one disk), caches and memory that two cores share, the system handing connections to workers unevenly, and the kernel under two cores at once.',
  ].join('\n\n');
}

// --- soak

/** The first part of a soak, in which caches fill and code is optimised. */
const WARM_UP = 1 / 6;

const settled = ({ minutes }: SoakSample) => minutes.slice(Math.ceil(minutes.length * WARM_UP));

/** Everything that must not grow, by name. */
function series(sample: SoakSample): Map<string, (readonly [number, number])[]> {
  const found = new Map<string, (readonly [number, number])[]>();
  const add = (name: string, minute: number, value: number | null) => {
    if (value === null) return;
    if (!found.has(name)) found.set(name, []);
    found.get(name)!.push([minute, value]);
  };
  for (const { minute, processes, journal } of settled(sample)) {
    for (const [role, { resident, heap, external, files }] of Object.entries(processes)) {
      add(`${role}: resident, MB`, minute, resident);
      add(`${role}: heap after collection, MB`, minute, heap);
      add(`${role}: buffers, MB`, minute, external);
      add(`${role}: open files`, minute, files);
    }
    add('journal, MB', minute, journal);
  }
  return found;
}

function soakRows(sample: SoakSample | null): Row[] {
  if (!sample) return [];
  const trends = [...series(sample)].map(([name, values]) => ({ name, trend: fitTrend(values) }));
  const growing = trends.filter(({ trend }) => trend?.grows).map(({ name }) => name);
  const known = trends.some(({ trend }) => trend !== null);
  return [
    {
      what: `${sample.minutes.length} minutes at ${sample.rate} calls/s, half of saturation`,
      goal: 'no growth',
      found: !known ? 'too short to tell' : growing.length === 0 ? 'nothing grows' : `grows: ${growing.join('; ')}`,
      met: !known || sample.minutes.length < 60 ? null : growing.length === 0,
    },
  ];
}

function soakTable(sample: SoakSample): string {
  const rows = [...series(sample)].map(([name, values]) => {
    const trend = fitTrend(values);
    return [
      name,
      values[0]![1].toFixed(1),
      values.at(-1)![1].toFixed(1),
      Math.max(...values.map(([, value]) => value)).toFixed(1),
      trend ? `${trend.perHour.toFixed(1)} ± ${trend.error.toFixed(1)}` : '–',
      trend ? (trend.grows ? 'GROWS' : 'no') : '–',
    ];
  });
  const calls = sample.minutes.reduce((sum, { load }) => sum + load.calls, 0);
  const p99 = sample.minutes.map(({ load }) => load.p99);
  return [
    `${calls.toLocaleString('en')} calls; p99 of a minute: median ${median(p99).toFixed(1)} ms, at most ${Math.max(...p99).toFixed(1)} ms (collecting garbage for the figures stops a process). The first ${sample.minutes.length - settled(sample).length} minutes are left out below.`,
    markdownTable(['', 'first', 'last', 'highest', 'an hour', 'growth'], rows),
  ].join('\n\n');
}

// --- what went wrong

function failuresOf({ reload, workers, soak }: Samples): string[] {
  const counted = (what: string, failures: Readonly<Record<string, number>>) =>
    Object.entries(failures).map(([reason, count]) => `${what}: ${reason}, ${count} times`);
  return [
    ...[...new Set(reload?.failures)].slice(0, 10).map((reason) => `policy saved: ${reason}`),
    ...workers.flatMap((sample) => counted(`${sample.workers} workers`, sample.failures)),
    ...(soak?.minutes ?? []).flatMap(({ minute, load }) => counted(`minute ${minute}`, load.failures)),
  ];
}
