import type { Hold } from '../../domain/hold.ts';
import { iso } from '../../domain/time.ts';

/** The outcome that a person reported for a call, after taking it over or finding out; empty without such a report. */
export function outcomeView({ outcome }: Pick<Hold, 'outcome'>): { outcome?: object } {
  if (outcome === null) return {};
  const { result, reference, note, at } = outcome;
  return { outcome: { result, reference, note, at: iso(at) } };
}
