import { FACTS, YEAR } from './facts.ts';

const HOUR = 3_600_000;
export const DAY = 24 * HOUR;

/** How much of a day's work is done in each of its hours, UTC. */
const OFFICE = [1, 1, 1, 1, 1, 2, 5, 18, 42, 58, 62, 60, 40, 52, 60, 58, 50, 34, 14, 6, 4, 3, 2, 1];
const OFFICE_SUM = OFFICE.reduce((a, b) => a + b);
/** On weekends what runs is what runs by itself. */
const ROUND_THE_CLOCK = 1 / 24;

const HOLIDAYS = new Set([
  '2025-01-01',
  '2025-04-18',
  '2025-04-21',
  '2025-05-01',
  '2025-12-24',
  '2025-12-25',
  '2025-12-26',
  '2025-12-31',
]);
/** Calls rise by half in the year. */
const GROWTH = 0.5;

export const dateOf = (at: number): string => new Date(at).toISOString().slice(0, 10);

export function isWorkingDay(at: number): boolean {
  const weekday = new Date(at).getUTCDay();
  return weekday !== 0 && weekday !== 6 && !HOLIDAYS.has(dateOf(at));
}

/** Whether people sit at their desks. */
export function isOfficeHour(at: number): boolean {
  const hour = Math.floor((at % DAY) / HOUR);
  return hour >= 7 && hour < 18 && isWorkingDay(at);
}

/** When people are at their desks again. */
export function nextMorning(at: number): number {
  let morning = Math.floor(at / DAY) * DAY + 7 * HOUR;
  while (morning <= at || !isWorkingDay(morning)) morning += DAY;
  return morning;
}

/** The load of a day; 1 is a working day in January. */
function loadOfDay(at: number): number {
  const grown = 1 + (GROWTH * (at - YEAR.from)) / (YEAR.to - YEAR.from);
  if (dateOf(at) === FACTS.busiestDay.date) return grown * FACTS.busiestDay.times;
  if (!isWorkingDay(at)) return grown * 0.2;
  return grown * (isQuarterEnd(at) ? 1.5 : 1);
}

/** The last seven days of a quarter, when the books are closed. */
function isQuarterEnd(at: number): boolean {
  const later = new Date(at + 7 * DAY);
  return later.getUTCMonth() % 3 === 0 && later.getUTCDate() <= 7;
}

/** Every hour of the year with its share of the year's calls. */
export const HOURS: readonly { readonly at: number; readonly share: number }[] = (() => {
  const hours: { at: number; load: number }[] = [];
  for (let at = YEAR.from; at < YEAR.to; at += HOUR) {
    const hour = Math.floor((at % DAY) / HOUR);
    const share = isWorkingDay(at) ? OFFICE[hour]! / OFFICE_SUM : ROUND_THE_CLOCK;
    hours.push({ at, load: loadOfDay(Math.floor(at / DAY) * DAY) * share });
  }
  const sum = hours.reduce((total, { load }) => total + load, 0);
  return hours.map(({ at, load }) => ({ at, share: load / sum }));
})();
