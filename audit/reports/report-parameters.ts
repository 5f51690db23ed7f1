import { z } from 'zod';
import { BadParameter, type ReportParameter } from '../../gateway/domain/report.ts';
import { duration } from '../../gateway/domain/units.ts';

/** A parameter's value, as answers show it and as ClickHouse gets it. */
export type BoundParameter = {
  readonly parameter: ReportParameter;
  readonly value: string | number;
  readonly bound: string | number | Date;
};

const MINUTE = 60_000;
/** Steps of a series, in milliseconds; all of them fit into a week, which begins on a Monday. */
const STEPS = [1, 5, 15, 60, 360, 1440, 10_080].map((minutes) => minutes * MINUTE);
/** So many points at most, so that a line fits on a terminal. */
const POINTS = 92;

const MOMENT = z.union([z.iso.date(), z.iso.datetime({ offset: true })]);
const TEXT_LENGTH = 500;

/**
 * What to ask, from what people wrote. A relative `from` counts back from the end of the period, a relative `to` from
 * now; both are on the clock in milliseconds since the epoch.
 * @throws BadParameter
 */
export function bindParameters(
  parameters: readonly ReportParameter[],
  given: Readonly<Record<string, string>>,
  now: number,
): readonly BoundParameter[] {
  for (const name of Object.keys(given))
    if (!parameters.some((known) => known.name === name))
      throw new BadParameter(
        name,
        `no such parameter; this report has ${parameters.map(({ name }) => name).join(', ')}`,
      );
  const text = (name: string) => given[name] ?? parameters.find((known) => known.name === name)!.default;
  const to = moment('to', text('to'), now);
  const from = moment('from', text('from'), to);
  if (from >= to) throw new BadParameter('from', 'expected a moment before the end of the period');

  return parameters.map((parameter): BoundParameter => {
    const { name, type } = parameter;
    if (type === 'time') {
      const at = new Date(name === 'from' ? from : to);
      return { parameter, value: at.toISOString(), bound: at };
    }
    const value = type === 'step' ? step(name, text(name), to - from) : valueOf(parameter, text(name));
    return { parameter, value, bound: value };
  });
}

function moment(name: string, text: string, before: number): number {
  if (text === 'now') return before;
  const span = duration.safeParse(text);
  const at = span.success ? before - span.data : MOMENT.safeParse(text).success ? Date.parse(text) : NaN;
  // What ClickHouse can hold; and beyond it nothing has happened.
  if (at >= Date.UTC(1970, 0) && at < Date.UTC(2200, 0)) return at;
  throw new BadParameter(
    name,
    'expected a moment such as 2026-01-01 or 2026-01-01T08:00:00Z, or how long ago, such as 30d',
  );
}

function step(name: string, text: string, period: number): number {
  if (text === 'auto') return (STEPS.find((step) => period / step <= POINTS) ?? STEPS.at(-1)!) / 1000;
  const span = duration.safeParse(text);
  if (span.success && span.data >= MINUTE && span.data % MINUTE === 0) return span.data / 1000;
  throw new BadParameter(name, 'expected whole minutes, such as 15m, 6h or 7d, or auto');
}

function valueOf({ name, type, of = [] }: ReportParameter, text: string): string | number {
  switch (type) {
    case 'count':
      if (/^\d{1,15}$/.test(text)) return Number(text);
      throw new BadParameter(name, 'expected a whole number');
    case 'share':
      if (/^(0|1|[01]?\.\d{1,9})$/.test(text) && Number(text) <= 1) return Number(text);
      throw new BadParameter(name, 'expected a share from 0 to 1, such as 0.95');
    case 'duration': {
      const span = duration.safeParse(text);
      if (span.success) return span.data;
      throw new BadParameter(name, span.error.issues[0]!.message);
    }
    case 'choice':
      if (of.includes(text)) return text;
      throw new BadParameter(name, `expected one of ${of.join(', ')}`);
    default:
      if (text.length <= TEXT_LENGTH) return text;
      throw new BadParameter(name, `expected at most ${TEXT_LENGTH} characters`);
  }
}
