import { periodSearchIn, type PeriodSearch } from './period.ts';

/** The period of a report and the values of its parameters, as they stand in the address. */
export type ReportSearch = PeriodSearch & { readonly [parameter: string]: string | number | undefined };

const PERIOD = new Set(['days', 'from', 'to']);

/** Reads both from an address. Which parameters there are only the report knows. */
export function reportSearchIn(search: Readonly<Record<string, unknown>>): ReportSearch {
  return { ...periodSearchIn(search), ...givenIn(search) };
}

/** The values of parameters in an address. */
export function givenIn(search: Readonly<Record<string, unknown>>): Readonly<Record<string, string>> {
  const given = Object.entries(search).flatMap(([name, value]) =>
    !PERIOD.has(name) && (typeof value === 'string' || typeof value === 'number') && value !== ''
      ? [[name, String(value)] as const]
      : [],
  );
  return Object.fromEntries(given);
}
