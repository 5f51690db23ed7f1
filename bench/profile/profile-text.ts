import { markdownTable } from '../markdown-table.ts';
import { STAGES } from './stages.ts';
import type { StageTime } from './stages.ts';
import type { ThreadTimes } from './threads.ts';

export type ProfileReport = {
  readonly scenario: string;
  readonly seconds: number;
  /** Microseconds between samples. */
  readonly interval: number;
  readonly machine: Readonly<Record<string, string>>;
  readonly plain: { readonly calls: number; readonly used: ThreadTimes };
  readonly profiled: { readonly calls: number; readonly stages: readonly StageTime[] };
};

/** Functions named with each stage. */
const NAMED = 5;

/** Of other threads, who is named by what. */
const THREADS: Readonly<Record<string, string>> = {
  'libuv-worker': 'libuv’s threads (disk)',
  'node-V8Worker': 'V8’s threads (garbage collection, compilers)',
};

/** The whole of it as Markdown. The sum of all rows is what a call cost without the profiler. */
export function profileText({ scenario, seconds, interval, machine, plain, profiled }: ProfileReport): string {
  const main = plain.used.main / plain.calls;
  const others = [...plain.used.others].map(([name, micros]) => ({ name, micros: micros / plain.calls }));
  const total = others.reduce((sum, { micros }) => sum + micros, main);
  const sampled = profiled.stages.reduce((sum, { micros }) => sum + micros, 0);
  const scale = main / sampled;
  const share = (micros: number): string => `${((micros / total) * 100).toFixed(1)} %`;
  const rows = [
    ...profiled.stages.map(({ stage, micros }) => [STAGES[stage], (micros * scale).toFixed(1), share(micros * scale)]),
    ...others
      .filter(({ micros }) => micros >= 0.05)
      .map(({ name, micros }) => [THREADS[name] ?? `thread ${name}`, micros.toFixed(1), share(micros)]),
    ['together', total.toFixed(1), '100 %'],
  ];
  const functions = profiled.stages.map(({ stage, functions: all }) => {
    const most = all.slice(0, NAMED).map((one) => `${one.name} ${(one.micros * scale).toFixed(1)}`);
    return `- ${STAGES[stage]}: ${most.join(', ')}`;
  });
  const withIt = sampled / profiled.calls;
  return [
    `## Where the microseconds of one call go, ${new Date().toISOString().slice(0, 10)}`,
    `${scenario}; CPU of the worker, ${seconds} s each without and with the profiler, a sample every ${interval} µs. Without it, ` +
      `its main thread took ${main.toFixed(1)} µs a call, with it ${withIt.toFixed(1)}; what the samples give in shares is ` +
      'scaled to the former. A sample counts for the innermost of our stages on its stack.',
    markdownTable(['stage', 'µs/call', 'share'], rows),
    `Functions that took most of it (µs/call), each without what it calls:`,
    functions.join('\n'),
    '### Machine and versions',
    Object.entries(machine)
      .map(([name, value]) => `- ${name}: ${value}`)
      .join('\n'),
  ].join('\n\n');
}
