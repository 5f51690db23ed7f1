import { foldCase } from '../json/fold-case.ts';

/** Words of a policy, by their text without differences of case. */
export type Words = ReadonlyMap<string, readonly string[]>;

export const NO_WORDS: Words = new Map();

export function createWords(words: readonly string[]): Words {
  const byText = new Map<string, string[]>();
  for (const word of words) {
    const text = foldCase(word);
    const known = byText.get(text);
    if (known) known.push(word);
    else byText.set(text, [word]);
  }
  return byText;
}
