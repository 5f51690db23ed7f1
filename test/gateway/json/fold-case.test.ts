import { describe, expect, test } from 'vitest';
import { foldCase } from '../../../gateway/json/fold-case.ts';

/** Every character that has another case, or is the other case of one. */
const CASED = Array.from({ length: 0x1_0000 + 0x1_0000 }, (_, code) => code)
  .filter((code) => code < 0xd800 || code > 0xdfff)
  .map((code) => String.fromCodePoint(code))
  .filter((text) => text.toLowerCase() !== text || text.toUpperCase() !== text);

describe('folding case', () => {
  test('every character is folded to one that a regular expression takes for it without regard to case', () => {
    const exceptions = new Set(['ı', 'İ']);
    const wrong = CASED.filter((text) => !exceptions.has(text) && !new RegExp(`^${foldCase(text)}$`, 'iu').test(text));
    expect(wrong).toEqual([]);
  });

  test('all characters that a regular expression takes for one another are folded alike', () => {
    const class_ = new RegExp(`^[${CASED.join('')}]$`, 'iu');
    const byFold = Map.groupBy(CASED, foldCase);
    const wrong = [...byFold.keys()].filter((text) => class_.test(text) && foldCase(text) !== text);
    expect(wrong).toEqual([]);
    const apart = [...byFold.keys()].filter((text) =>
      [text.toUpperCase(), text.toLowerCase()].some(
        (other) => [...other].length === 1 && new RegExp(`^${text}$`, 'iu').test(other) && foldCase(other) !== text,
      ),
    );
    expect(apart).toEqual([]);
  });

  test.each([
    ['Amount', 'amount'],
    ['co\u017ft', 'cost'],
    ['\u212aey', 'key'],
    ['ΣΊΣ', 'σίσ'],
    ['σίς', 'σίσ'],
    ['İd', 'id'],
    ['ıd', 'id'],
  ])('%j is folded to %j', (text, folded) => {
    expect(foldCase(text)).toBe(folded);
  });

  test('ß and ss stay two names, as in simple case folding', () => {
    expect(foldCase('Maße')).not.toBe(foldCase('Masse'));
  });
});
