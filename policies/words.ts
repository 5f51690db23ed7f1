import type { Plan } from './plan.ts';

/**
 * The words in a policy's texts, from its rules and its data: `admin` of `^/admin/`, `chat.postMessage`. A path that has
 * one of them in another case is judged in the policy's spelling too.
 *
 * @param data JSON text
 */
export function wordsOf(plan: Plan, data: string): string[] {
  const texts = plan.static.strings.map(({ value }) => value);
  JSON.parse(data, (name, value: unknown) => {
    texts.push(name);
    if (typeof value === 'string') texts.push(value);
    return value;
  });
  const words = texts.flatMap((text) => [...text.split(/[\s/]+/), ...text.split(/[^\p{L}\p{N}_.~%@:+-]+/u)]);
  return [...new Set(words)].filter((word) => /\p{L}/u.test(word) && word.length <= LONGEST).sort();
}

/** Longer texts are reasons, keys and patterns. */
const LONGEST = 64;
