import { distance } from 'fastest-levenshtein';

/** The known word that was probably meant; undefined when none is close enough to be a slip of the keyboard. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  const [first] = known.toSorted((a, b) => distance(word, a) - distance(word, b));
  return first !== undefined && distance(word, first) <= Math.max(2, word.length / 3) ? first : undefined;
}
