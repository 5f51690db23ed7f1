import { periodIn, type Period } from '../page/period.tsx';
import { CLASSES, type CoverageClass } from './classes.ts';

/** What of the coverage is shown, as it stands in the address. */
export type CoverageFilter = {
  readonly period?: Period;
  readonly class?: CoverageClass;
  readonly system?: string;
};

/** Reads a filter from an address. What it does not know it leaves out. */
export function coverageFilterIn(search: Readonly<Record<string, unknown>>): CoverageFilter {
  const { system } = search;
  const chosen = CLASSES.find((each) => each === search['class']);
  return {
    ...periodIn(search),
    ...(chosen && { class: chosen }),
    ...(typeof system === 'string' && system !== '' && { system }),
  };
}
