import type { PathRules } from '../../domain/system.ts';
import type { Words } from '../../domain/words.ts';
import { foldCase } from '../../json/fold-case.ts';
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

/**
 * The paths that a system without differences of case takes for this one, as far as policy names them: of `/Admin/x`,
 * `/admin/x` if policy has the word `admin`. Any other spelling is another path to every rule.
 * @param most paths to find; more are not looked for
 */
export function otherCases(segments: Segments, words: Words, most: number): Segments[] {
  const known = segments.map((segment) => words.get(foldCase(segment)) ?? [segment]);
  // As nearly all paths are.
  if (known.every(([spelling, ...others], index) => spelling === segments[index] && others.length === 0)) return [];
  let paths: string[][] = [[]];
  for (const spellings of known) {
    paths = paths.flatMap((path) => spellings.map((spelling) => [...path, spelling])).slice(0, most + 1);
  }
  return paths.filter((path) => path.some((spelling, index) => spelling !== segments[index]));
}

/** A name that only its capitals make an identifier is a name. */
function inLowerCase(segment: string): string {
  const lower = segment.toLowerCase();
  return isIdentifier(lower) ? segment : lower;
}
