import type { System } from '../domain/system.ts';

/** Most operations that are remembered. */
const MAX_OPERATIONS = 1000;

/**
 * How long to wait for the answers to operations that have a time of their own, in milliseconds; undefined for the
 * others. The first entry that names an operation counts; `*` in a name stands for any text. Null for a system without
 * such operations.
 */
export function createAnswerTimeouts({
  timeouts = [],
}: Pick<System, 'timeouts'>): ((operation: string) => number | undefined) | null {
  if (timeouts.length === 0) return null;
  const entries = timeouts.map(({ operations, timeout }) => ({ isMeant: matcher(operations), timeout }));
  const known = new Map<string, number | undefined>();
  return (operation) => {
    if (known.has(operation)) return known.get(operation);
    const timeout = entries.find(({ isMeant }) => isMeant.test(operation))?.timeout;
    if (known.size >= MAX_OPERATIONS) known.clear();
    known.set(operation, timeout);
    return timeout;
  };
}

function matcher(operations: readonly string[]): RegExp {
  const names = operations.map((operation) => operation.split('*').map(RegExp.escape).join('.*'));
  return new RegExp(`^(?:${names.join('|')})$`, 's');
}
