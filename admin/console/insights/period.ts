/** So many days until now, or from one day to another: `2026-01-01`, of which the last is part of it. */
export type Period = { readonly days: number } | { readonly from: string; readonly to: string };

/** The periods of one click, in days. */
export const DAYS = [7, 30, 90] as const;
const DEFAULT: Period = { days: 30 };

const DAY = 86_400_000;

/** What of an address says which period is shown. */
export type PeriodSearch = { readonly days?: number; readonly from?: string; readonly to?: string };

/** Reads a period from an address. What it does not know it leaves out. */
export function periodSearchIn(search: Readonly<Record<string, unknown>>): PeriodSearch {
  const { from, to } = search;
  if (isDay(from) && isDay(to) && from <= to) return { from, to };
  const days = Number(search['days']);
  return Number.isInteger(days) && days >= 1 && days <= 3_650 ? { days } : {};
}

export function periodIn({ days, from, to }: PeriodSearch): Period {
  if (from !== undefined && to !== undefined) return { from, to };
  return days === undefined ? DEFAULT : { days };
}

/**
 * The parameters `from` and `to` of a report. Days begin at midnight in UTC, as in the record.
 * @param isBefore whether of the period of the same length that ends where this one begins
 */
export function searchOf(period: Period, isBefore = false): { readonly from: string; readonly to: string } {
  // A relative `from` counts back from `to`.
  if ('days' in period) return { from: `${period.days}d`, to: isBefore ? `${period.days}d` : 'now' };
  const begins = Date.parse(period.from);
  const ends = Date.parse(period.to) + DAY;
  return isBefore ? { from: dayOf(begins - (ends - begins)), to: period.from } : { from: period.from, to: dayOf(ends) };
}

function isDay(value: unknown): value is string {
  return typeof value === 'string' && /^\d{4}-\d\d-\d\d$/.test(value) && !Number.isNaN(Date.parse(value));
}

/** The day of a moment in UTC. @param at milliseconds since the epoch */
export function dayOf(at: number): string {
  return new Date(at).toISOString().slice(0, 10);
}
