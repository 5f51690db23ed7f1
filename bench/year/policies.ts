import { hash } from 'node:crypto';
import { day, FACTS, YEAR } from './facts.ts';

const HOUR = 3_600_000;

export type Revision = { readonly from: number; readonly revision: string; readonly broken: boolean };

const { brokenPolicy, firstContact } = FACTS;

/** When policies came into force. The broken one was taken back by activating the one before it again. */
export const REVISIONS: readonly Revision[] = [
  { from: YEAR.from, name: 'first' },
  { from: day(2, 11) + 13 * HOUR, name: 'exports' },
  { from: day(4, 29) + 9 * HOUR, name: 'campaigns' },
  { from: firstContact.since, name: 'replies' },
  { from: brokenPolicy.from, name: 'broken' },
  { from: brokenPolicy.to, name: 'replies' },
  { from: day(10, 21) + 8 * HOUR, name: 'budgets' },
  { from: day(12, 2) + 14 * HOUR, name: 'year-end' },
].map(({ from, name }) => ({
  from,
  revision: hash('sha256', `policies of the year: ${name}`),
  broken: name === 'broken',
}));

export function revisionAt(at: number): Revision {
  return REVISIONS.findLast(({ from }) => from <= at) ?? REVISIONS[0]!;
}
