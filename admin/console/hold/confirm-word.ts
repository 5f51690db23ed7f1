import { partsOf } from '../../../gateway/domain/visible-text.ts';
import type { HoldPackage } from '../server/holds.ts';

type Asked = Pick<HoldPackage, 'action' | 'level' | 'risk'>;

/** Longer than this is not typed but pasted. Characters. */
const LONGEST = 60;

/**
 * What a person types to approve what cannot be undone: the amount, else the target, else the system. Null where a click
 * is enough. What cannot be read and typed, because it is too long or has characters that are not seen, is passed over.
 */
export function confirmWord({ action, level, risk }: Asked): string | null {
  if (!action) return null;
  const isFinal = action.reversible === false || risk.reversible === false || level >= 3;
  if (!isFinal) return null;
  const words = [action.amount && String(action.amount.value), action.target?.id];
  return words.find((word) => typeof word === 'string' && isTypeable(word)) ?? action.system;
}

function isTypeable(word: string): boolean {
  const isPlain = partsOf(word).every(({ kind }) => kind === 'plain');
  return isPlain && word.length <= LONGEST && word === word.trim() && word !== '' && !word.includes('\n');
}

/** Whether it is what was asked for; blanks around it do not count. */
export function isConfirmed(word: string | null, typed: string): boolean {
  return word === null || typed.trim() === word;
}
