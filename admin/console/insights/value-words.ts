import type { ReportHeader, Report } from '../server/shapes.ts';
import { costWords } from '../text/costs.ts';
import { whole } from '../text/counts.ts';
import { duration, moment, milliseconds } from '../time/duration.ts';

export type Row = Report['rows'][number];
export type Column = ReportHeader['columns'][number];
type Value = Row[string] | undefined;

const NUMBER = new Intl.NumberFormat('en-GB', { maximumFractionDigits: 2 });
const SHARE = new Intl.NumberFormat('en-GB', { style: 'percent', maximumFractionDigits: 1 });
const WEEKDAYS = ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday'];
const MINUTE = 60_000;
const DAY_WORDS = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', timeZone: 'UTC' });
const TIME_WORDS = new Intl.DateTimeFormat('en-GB', {
  day: 'numeric',
  month: 'short',
  hour: '2-digit',
  minute: '2-digit',
  timeZone: 'UTC',
});

/** A value of a report in words for people. A dash is for what is not there. */
export function valueWords({ name, unit }: Column, row: Row): string {
  const value = row[name];
  if (value === null || value === undefined || value === '') return '–';
  if (name === 'weekday') return WEEKDAYS[Number(value) - 1] ?? String(value);
  if (Array.isArray(value)) return value.length === 0 ? '–' : value.join(', ');
  if (typeof value !== 'number') return unit === 'time' ? moment(String(value)) : String(value);
  return numberWords(unit, value, row['cost_unit']);
}

/** A number of a report in words. @param costUnit in which a cost is, if it is one */
export function numberWords(unit: Column['unit'], value: number, costUnit?: Value): string {
  switch (unit) {
    case 'count':
      return whole(value);
    case 'share':
      return SHARE.format(value);
    case 'ms':
      return value < MINUTE ? milliseconds(value) : duration(value);
    case 'us':
      return value < 1_000 ? `${whole(Math.round(value))} µs` : milliseconds(value / 1_000);
    case 'bytes':
      return value < 10_000 ? `${whole(value)} B` : `${whole(Math.round(value / 1_000))} kB`;
    case 'cost':
      return costWords({ unit: String(costUnit ?? ''), amount: value });
    default:
      return NUMBER.format(value);
  }
}

/** How a number changed, such as `+12 %`; null where that says nothing. */
export function changeWords(now: number, before: number): string | null {
  if (before === 0) return now === 0 ? null : 'new';
  const change = (now - before) / before;
  if (Math.abs(change) < 0.005) return '±0 %';
  return `${change > 0 ? '+' : '−'}${SHARE.format(Math.abs(change))}`;
}

/** A point of a series: its day, and its time if it is not midnight; in UTC, by which series are cut. @param at RFC 3339 */
export function dayWords(at: string): string {
  return (at.includes('T00:00:00') ? DAY_WORDS : TIME_WORDS).format(new Date(at));
}
