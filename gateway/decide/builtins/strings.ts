import { integerOf, isArray, number, RegoSet, type RegoValue } from '../rego-value.ts';
import { type Builtins, ofText } from './builtin.ts';
import { sprintf } from './sprintf.ts';

export const stringBuiltins: Builtins = {
  sprintf: (format, args) => (format === undefined || args === undefined ? undefined : sprintf(format, args)),

  concat: (separator, parts) => {
    const texts = typeof parts === 'string' ? undefined : textsOf(parts);
    return typeof separator === 'string' && texts ? texts.join(separator) : undefined;
  },
  'strings.any_prefix_match': (search, base) => anyMatch(search, base, (text, part) => text.startsWith(part)),
  'strings.any_suffix_match': (search, base) => anyMatch(search, base, (text, part) => text.endsWith(part)),
  'strings.count': ofText((text, part) => number(part === '' ? [...text!].length + 1 : text!.split(part!).length - 1)),
  'strings.split_n': (text, separator, limit) => {
    const count = limit === undefined ? undefined : integerOf(limit);
    if (typeof text !== 'string' || typeof separator !== 'string' || count === undefined) return undefined;
    const parts = separator === '' ? [...text] : text.split(separator);
    return count >= 0n ? parts.slice(0, Number(count)) : parts.slice(Math.max(parts.length + Number(count), 0));
  },
  indexof_n: ofText((text, part) => {
    if (part === '') return undefined;
    const runes = [...text!];
    const wanted = [...part!];
    return runes.flatMap((_, index) => (wanted.every((rune, at) => runes[index + at] === rune) ? [number(index)] : []));
  }),
  'glob.quote_meta': ofText((text) => text!.replace(/[*?\\[\]{}]/g, '\\$&')),
};

/** Text, or an array or set of texts. */
function textsOf(value: RegoValue | undefined): string[] | undefined {
  if (typeof value === 'string') return [value];
  const texts =
    value instanceof RegoSet ? value.elements : isArray(value ?? null) ? (value as readonly RegoValue[]) : null;
  return texts?.every((each) => typeof each === 'string') ? [...texts] : undefined;
}

function anyMatch(
  search: RegoValue | undefined,
  base: RegoValue | undefined,
  matches: (text: string, part: string) => boolean,
) {
  const texts = textsOf(search);
  const parts = textsOf(base);
  return texts && parts && texts.some((text) => parts.some((part) => matches(text, part)));
}
