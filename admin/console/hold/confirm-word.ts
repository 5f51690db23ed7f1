import type { HoldPackage } from '../server/holds.ts';

type Asked = Pick<HoldPackage, 'action' | 'level' | 'risk'>;

/**
 * What a person types to approve what cannot be undone: the amount, else the target, else the system. Null where a click
 * is enough.
 */
export function confirmWord({ action, level, risk }: Asked): string | null {
  if (!action) return null;
  const isFinal = action.reversible === false || risk.reversible === false || level >= 3;
  if (!isFinal) return null;
  return action.amount ? String(action.amount.value) : (action.target?.id ?? action.system);
}

/** Whether it is what was asked for; blanks around it do not count. */
export function isConfirmed(word: string | null, typed: string): boolean {
  return word === null || typed.trim() === word;
}
