import { z } from 'zod';
import { nearest } from '../domain/nearest.ts';

/**
 * An object that knows its keys: an unknown one is an error that names the nearest known key, because a silently
 * ignored `body_limt` is a limit that is not enforced.
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
  const meant = nearest(key, known);
  return `unknown key "${key}"${meant === undefined ? `; known here: ${known.join(', ')}` : `; did you mean "${meant}"?`}`;
}
