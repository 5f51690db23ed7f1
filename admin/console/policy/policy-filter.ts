import { periodIn, type Period } from '../page/period.tsx';

/** What the page shows, as it stands in the address. */
export type PolicyFilter = {
  readonly period?: Period;
  /** Only rules that no call matched. */
  readonly unreached?: true;
  /** The recorded call to try. */
  readonly call?: string;
};

/** Reads a filter from an address. What it does not know it leaves out. */
export function policyFilterIn(search: Readonly<Record<string, unknown>>): PolicyFilter {
  const { call, unreached } = search;
  return {
    ...periodIn(search),
    ...(unreached === true && { unreached }),
    ...(typeof call === 'string' && call !== '' && { call }),
  };
}
