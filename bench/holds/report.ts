import { markdownTable } from '../markdown-table.ts';
import { CALLERS, REVIEWED } from './engine.ts';
import type { EngineSample } from './engine.ts';
import { median } from './figures.ts';
import type { Failures, Percentiles } from './figures.ts';
import { OTHER_CALLS } from './waiting.ts';
import type { OtherCalls, WaitingSample } from './waiting.ts';

/** One for each round that did not fail. */
export type Samples = {
  readonly waiting: WaitingSample[];
  readonly SQLite: EngineSample[];
  readonly PostgreSQL: EngineSample[];
};

type Context = { readonly rounds: number; readonly seconds: number; readonly about: Readonly<Record<string, string>> };

/** The goal, the result, and whether it is met; null without a goal. */
type Row = { readonly what: string; readonly goal: string; readonly found: string; readonly met: boolean | null };

/** Bytes: the goal counts in thousands. */
const MOST_MEMORY = 20_000;
/** Two runs of the same thing differ by a tenth on a quiet machine. */
const NOISE = 1.1;
/** Where they differ by more, nothing can be said. */
const TOO_NOISY = 2;

const engines = ['SQLite', 'PostgreSQL'] as const;
const ms = (value: number): string => value.toFixed(value < 10 ? 1 : 0);
const times = (value: number): string => `×${value.toFixed(2)}`;
const whole = (value: number): string => Math.round(value).toLocaleString('en');

/** The tables as Markdown, and whether anything went wrong. */
export function report(
  samples: Samples,
  broken: readonly string[],
  { rounds, seconds, about }: Context,
): { readonly text: string; readonly failed: boolean } {
  const failures = [...broken, ...failuresOf(samples)];
  const rows = [...waitingRows(samples.waiting), ...engines.flatMap((name) => engineRows(name, samples[name]))];
  const list = (lines: readonly string[]): string => lines.map((line) => `- ${line}`).join('\n');
  const text = [
    `## Holds, ${new Date().toISOString().slice(0, 10)}`,
    `Medians of ${rounds} rounds; ratios are taken within a round. ${seconds} s for each rate. How: [README](../README.md#holds).`,
    markdownTable(
      ['', 'goal', 'found', 'met'],
      rows.map(({ what, goal, found, met }) => [what, goal, found, met === null ? '–' : met ? 'yes' : 'NO']),
    ),
    samples.waiting.length > 0 &&
      `### Other calls while ${whole(samples.waiting[0]!.callers)} wait\n\n${othersTable(samples.waiting)}`,
    samples.waiting.length > 0 && `### Memory of the worker, MB\n\n${memoryTable(samples.waiting)}`,
    failures.length > 0 && `### Failures\n\n${list(failures)}`,
    `### Machine and versions\n\n${list(Object.entries(about).map(([name, value]) => `${name}: ${value}`))}`,
  ];
  return { text: text.filter((part) => part !== false).join('\n\n'), failed: failures.length > 0 };
}

// --- callers who wait

const MOMENTS = ['before', 'waiting', 'after'] as const;

type Figure = 'p50' | 'p99' | 'cpuMicros';
const FIGURES: readonly (readonly [title: string, at: Figure, digits: number])[] = [
  ['p50 ms', 'p50', 2],
  ['p99 ms', 'p99', 2],
  ['CPU µs/call', 'cpuMicros', 0],
];

const growth = (samples: readonly WaitingSample[], kind: 'resident' | 'heap' | 'external'): number =>
  median(samples.map(({ memory, callers }) => (memory.waiting[kind] - memory.before[kind]) / callers));

function waitingRows(samples: readonly WaitingSample[]): Row[] {
  if (samples.length === 0) return [];
  const callers = whole(samples[0]!.callers);
  const resident = growth(samples, 'resident');
  const heap = growth(samples, 'heap');
  const memory = {
    what: `memory of each of ${callers} waiting callers`,
    goal: '≤ 20 KB',
    found: `${kilobytes(resident)} resident, ${kilobytes(heap)} of it on the heap`,
    met: resident <= MOST_MEMORY,
  };
  const others = OTHER_CALLS.map(({ name }): Row => {
    const { ratio, between } = comparison(samples, name, 'p99');
    return {
      what: `p99 of ${name} while they wait`,
      goal: 'unchanged within noise',
      found: `${times(ratio)} (noise ${times(between)}${between > TOO_NOISY ? ': too much to tell' : ''})`,
      met: between > TOO_NOISY ? null : ratio <= Math.max(between, NOISE),
    };
  });
  return [memory, ...others];
}

const kilobytes = (bytes: number): string => `${(bytes / 1000).toFixed(1)} KB`;

/**
 * How much longer others' calls take while the crowd waits than before it came and after it left, taken together; and by
 * how much these two differ, which is what the machine does by itself.
 */
function comparison(samples: readonly WaitingSample[], name: string, at: Figure) {
  const of = (calls: OtherCalls): number => calls[name]![at];
  const ratios = samples.map(({ others: { before, waiting, after } }) => ({
    ratio: of(waiting) / ((of(before) + of(after)) / 2),
    between: Math.max(of(before), of(after)) / Math.min(of(before), of(after)),
  }));
  return { ratio: median(ratios.map(({ ratio }) => ratio)), between: median(ratios.map(({ between }) => between)) };
}

function othersTable(samples: readonly WaitingSample[]): string {
  const rows = OTHER_CALLS.flatMap(({ name }) =>
    FIGURES.map(([title, at, digits]) => [
      `${name}: ${title}`,
      ...MOMENTS.map((moment) => median(samples.map(({ others }) => others[moment][name]![at])).toFixed(digits)),
      times(comparison(samples, name, at).ratio),
      times(comparison(samples, name, at).between),
    ]),
  );
  return markdownTable(['', 'nobody waits', 'they wait', 'they have left', 'ratio', 'noise'], rows);
}

function memoryTable(samples: readonly WaitingSample[]): string {
  const rows = (['resident', 'heap', 'external'] as const).map((kind) => [
    kind,
    ...MOMENTS.map((moment) => (median(samples.map(({ memory }) => memory[moment][kind])) / 1e6).toFixed(0)),
    kilobytes(growth(samples, kind)),
  ]);
  return markdownTable(['', 'nobody waits', 'they wait', 'they have left', 'each caller'], rows);
}

// --- one kind of database

function engineRows(name: (typeof engines)[number], samples: readonly EngineSample[]): Row[] {
  if (samples.length === 0) return [];
  const rounds = (pick: (sample: EngineSample) => Percentiles | null): Percentiles => {
    const known = samples.map(pick).filter((found) => found !== null);
    return { p50: median(known.map(({ p50 }) => p50)), p99: median(known.map(({ p99 }) => p99)) };
  };
  const timed = (what: string, goal: number | null, { p50, p99 }: Percentiles): Row => ({
    what: `${name}: ${what}`,
    goal: goal === null ? '' : `p99 ≤ ${goal} ms`,
    found: `p50 ${ms(p50)} ms, p99 ${ms(p99)} ms`,
    met: goal === null ? null : p99 <= goal,
  });
  const perSecond = (pick: (sample: EngineSample) => number): number => median(samples.map(pick));
  const isSqlite = name === 'SQLite';
  const stored = perSecond(({ store }) => store.perSecond);
  const goal = isSqlite ? 500 : 1_000;
  const { opening, deciding } = {
    opening: rounds(({ store }) => store.opening),
    deciding: rounds(({ store }) => store.deciding),
  };
  return [
    timed(
      'a hold is opened, call to 202',
      isSqlite ? 10 : null,
      rounds(({ handles }) => handles.opened),
    ),
    timed(
      'approval to first byte upstream, caller waits',
      50,
      rounds(({ attached }) => attached.released),
    ),
    timed(
      'approval to first byte upstream, with a handle',
      50,
      rounds(({ handles }) => handles.released),
    ),
    timed(
      'approval to its answer',
      null,
      rounds(({ attached }) => attached.answered),
    ),
    {
      what: `${name}: opened and decided by the store, ${CALLERS} callers`,
      goal: `≥ ${whole(goal)}/s`,
      found: `${whole(stored)}/s (open p99 ${ms(opening.p99)} ms, decide p99 ${ms(deciding.p99)} ms, ${whole(perSecond(({ store }) => store.cpuMicros))} µs CPU)`,
      met: stored >= goal,
    },
    {
      what: `${name}: opened and decided through the gateway, ${CALLERS} callers`,
      goal: '',
      found: `${whole(perSecond(({ decisions }) => decisions.perSecond))}/s`,
      met: null,
    },
  ];
}

// --- what went wrong

function failuresOf(samples: Samples): string[] {
  const waiting = samples.waiting.flatMap(({ others }, index) =>
    Object.values(others).flatMap((calls) =>
      Object.entries(calls)
        .filter(([, { failures }]) => failures > 0)
        .map(([name, { failures }]) => `round ${index + 1}: ${failures} of ${name} had no 2xx answer`),
    ),
  );
  const named = (what: string, failures: Failures): string[] =>
    Object.entries(failures).map(([reason, count]) => `${what}: ${reason}, ${count} times`);
  const reviewed = engines.flatMap((name) =>
    samples[name].flatMap(({ handles, attached, decisions, store }) => [
      ...named(`${name}, ${REVIEWED} with a handle`, handles.failures),
      ...named(`${name}, ${REVIEWED} who wait`, attached.failures),
      ...named(`${name}, through the gateway`, decisions.failures),
      ...named(`${name}, the store alone`, store.failures),
    ]),
  );
  return [...waiting, ...reviewed];
}
