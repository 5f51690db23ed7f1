import type { PathRules } from '../../domain/system.ts';
import { isIdentifier } from './identifier.ts';
import type { NamedOperation } from './operation.ts';

type Segments = readonly string[];

/**
 * The spellings in which policy judges the segments of a path. Without a declaration, a path that the OpenAPI document
 * spells in another case is judged in both. A lower-case reading of every other path would be wrong for all identifiers,
 * and for names such as `chat.postMessage`.
 */
export function readCase({ spelling }: NamedOperation, segments: Segments, rule: PathRules['case']): Segments[] {
  if (rule === 'sensitive') return [segments];
  if (rule === 'insensitive') return [spelling ?? segments.map(inLowerCase)];
  return spelling === null || spelling.every((name, index) => name === segments[index])
    ? [segments]
    : [segments, spelling];
}

/** A name that only its capitals make an identifier is a name. */
function inLowerCase(segment: string): string {
  const lower = segment.toLowerCase();
  return isIdentifier(lower) ? segment : lower;
}
