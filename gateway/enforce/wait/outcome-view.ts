import type { Hold } from '../../domain/hold.ts';
import { iso } from '../../domain/time.ts';

/** What became of a call that a person took over, or whose outcome was unknown; nothing where nobody has said. */
export function outcomeView({ outcome }: Pick<Hold, 'outcome'>): { outcome?: object } {
  if (outcome === null) return {};
  const { result, reference, note, at } = outcome;
  return { outcome: { result, reference, note, at: iso(at) } };
}
