import { distance } from 'fastest-levenshtein';
import { z } from 'zod';

/**
 * An object that knows its keys: an unknown one is an error that names the nearest known key, because a silently
 * ignored `body_limt` is a limit that nobody enforces.
 */
export function section<Shape extends z.ZodRawShape>(shape: Shape) {
  const known = Object.keys(shape);
  return z.strictObject(shape, {
    error: (issue) => {
      if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => unknownKey(key, known)).join('; ');
      if (issue.code === 'invalid_type') return `expected a mapping with ${known.join(', ')}`;
      return undefined;
    },
  });
}

function unknownKey(key: string, known: readonly string[]): string {
  const nearest = known.toSorted((a, b) => distance(key, a) - distance(key, b))[0];
  const close = nearest !== undefined && distance(key, nearest) <= Math.max(2, key.length / 3);
  return `unknown key "${key}"${close ? `; did you mean "${nearest}"?` : `; known here: ${known.join(', ')}`}`;
}
