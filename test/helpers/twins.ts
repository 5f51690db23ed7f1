import { foldCase } from '../../gateway/json/fold-case.ts';

/** Whether an object has two names that some readers take for one. @param readAs what such a reader makes of a name */
export function hasTwins(value: unknown, readAs: (name: string) => string = foldCase): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const names = Array.isArray(value) ? [] : Object.keys(value);
  return new Set(names.map(readAs)).size < names.length || Object.values(value).some((each) => hasTwins(each, readAs));
}
