import { median, quantile } from '../holds/figures.ts';
import { machine } from '../machine.ts';
import { markdownTable } from '../markdown-table.ts';
import type { ControlSample } from './control-share.ts';
import type { VisitSample } from './visit.ts';

/** `load`: how many processes wanted a core in the minute before. */
export type ConsoleSample = VisitSample & { readonly load: number };

type Found = {
  readonly samples: readonly ConsoleSample[];
  readonly control: ControlSample;
  /** Bytes. */
  readonly scripts: number;
  readonly holds: number;
  readonly rate: number;
  readonly browser: string;
};

/** Milliseconds, bytes, and a share of a core. */
const GOALS = { paint: 1_000, key: 100, scripts: 200_000, control: 0.01 };

const ms = (value: number): string => `${Math.round(value).toLocaleString('en')} ms`;
const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;

/** The figures as Markdown. */
export function report({ samples, control, scripts, holds, rate, browser }: Found): string {
  const paint = (what: string, pick: (sample: ConsoleSample) => number): string[] => {
    const all = samples.map(pick);
    const spread = `${ms(Math.min(...all))} to ${ms(Math.max(...all))}`;
    return [what, `≤ ${ms(GOALS.paint)}`, ms(median(all)), spread, verdict(median(all) <= GOALS.paint)];
  };
  const key = (what: string, pick: (sample: ConsoleSample) => readonly number[], goal: number | null): string[] => {
    const all = samples.flatMap(pick);
    const met = goal === null ? '–' : verdict(median(all) <= goal);
    return [what, goal === null ? '' : `≤ ${ms(goal)}`, ms(median(all)), `p95 ${ms(quantile(all, 0.95))}`, met];
  };
  const share = (what: string, busy: number): string[] => {
    const more = busy - control.nobody;
    const compared = `${percent(busy)} instead of ${percent(control.nobody)}`;
    return [what, `≤ ${percent(GOALS.control)}`, percent(more), compared, verdict(more <= GOALS.control)];
  };
  return [
    `## Console, ${new Date().toISOString().slice(0, 10)}`,
    `${holds.toLocaleString('en')} held calls; the browser’s processor is slowed down ${rate} times. Medians of ${samples.length} visits. How: [README](../README.md#console).`,
    markdownTable(
      ['', 'goal', 'found', 'spread', 'met'],
      [
        paint('first paint of the queue, nothing cached', ({ firstPaint }) => firstPaint),
        paint('the same, loaded again', ({ nextPaint }) => nextPaint),
        key('`j` to the next row of the queue', ({ rows }) => rows, GOALS.key),
        key('`j` from a hold to the words of the next', ({ words }) => words, GOALS.key),
        key('and to all of it', ({ holds }) => holds, null),
        ['all scripts, brotli', '≤ 200 KB', `${(scripts / 1000).toFixed(1)} KB`, '', verdict(scripts <= GOALS.scripts)],
        share('control’s core for an open queue', control.queue),
        share('control’s core for an open hold', control.hold),
      ],
    ),
    [...Object.entries(machine()), ['browser', `Chromium ${browser}`], ['load', loads(samples)]]
      .map(([name, value]) => `- ${name}: ${value}`)
      .join('\n'),
  ].join('\n\n');
}

const verdict = (met: boolean): string => (met ? 'yes' : 'NO');

function loads(samples: readonly ConsoleSample[]): string {
  const all = samples.map(({ load }) => load);
  return `${median(all).toFixed(1)} processes, ${Math.min(...all).toFixed(1)} to ${Math.max(...all).toFixed(1)}, this benchmark’s own among them`;
}
