import { Toggle } from './chips.tsx';

const PERIODS = { '7d': '7 days', '30d': '30 days', '90d': '90 days' } as const;
export type Period = keyof typeof PERIODS;

/** What an address without a period means. */
export const USUAL_PERIOD: Period = '30d';

/** Reads a period from an address. What it does not know it leaves out. */
export function periodIn(search: Readonly<Record<string, unknown>>): { readonly period?: Period } {
  const given = String(search['period']);
  return Object.hasOwn(PERIODS, given) ? { period: given as Period } : {};
}

/** `30 days` */
export function wordsOf(period: Period): string {
  return PERIODS[period];
}

/** How far back the page looks. */
export function PeriodChoice({ period, set }: { readonly period: Period; readonly set: (period: Period) => void }) {
  return (
    <div className="periods" role="group" aria-label="Period">
      {(Object.keys(PERIODS) as Period[]).map((each) => (
        <Toggle key={each} name={PERIODS[each]} isOn={each === period} set={() => set(each)} />
      ))}
    </div>
  );
}
