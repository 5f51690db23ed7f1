import { expect, test } from 'vitest';
import { hintsOf, shortLine, visible, visibleLine } from '../../../gateway/domain/visible-text.ts';

test.each([
  ['a variation selector', '\u{E0100}'],
  ['a combining grapheme joiner', '\u034f'],
  ['a Hangul filler', '\u3164'],
  ['a halfwidth Hangul filler', '\uffa0'],
  ['an empty Braille cell', '\u2800'],
  ['a no-break space', '\u00a0'],
  ['an em space', '\u2003'],
  ['a right-to-left override', '\u202e'],
  ['a zero-width space', '\u200b'],
  ['a byte order mark', '\ufeff'],
  ['a tag character', '\u{e0041}'],
  ['an escape', '\u001b'],
  ['a line break', '\n'],
  ['a line separator', '\u2028'],
])('%s is written out', (_name, char) => {
  expect(visible(`a${char}b`)).toBe(`a\\u{${char.codePointAt(0)!.toString(16)}}b`);
});

test('text that people see stays as it is, emoji and other scripts too', () => {
  const text = 'Größe ❤️ 👨‍👩‍👧 日本語 שלום Привет a_b *c*';
  expect(visible(text)).toBe(text);
  expect(hintsOf(text)).toEqual([]);
});

test('a line of a message holds no break and no padding (aws-samples/iam-identity-center-team#440)', () => {
  expect(visibleLine('pay\r\n\n  Approved by Ben\u2028ok          \u00a0\u00a0far away')).toBe(
    'pay Approved by Ben ok \\u{a0}\\u{a0}far away',
  );
});

test('hidden characters and words of several alphabets are pointed out (NousResearch/hermes-agent#81403)', () => {
  expect(hintsOf('to \u202eevil')).toEqual([{ kind: 'hidden', excerpt: 'to \\u{202e}evil' }]);
  expect(hintsOf('p\u0430ypal.com')).toEqual([{ kind: 'mixed-scripts', excerpt: 'p\u0430ypal.com' }]);
  expect(hintsOf('two\nlines\tand more')).toEqual([]);
});

test('a long text in a sentence is cut, and never within a character', () => {
  expect(shortLine('a'.repeat(10), 10)).toBe('a'.repeat(10));
  expect(shortLine('a'.repeat(11), 10)).toBe(`${'a'.repeat(9)}…`);
  expect(shortLine(`${'a'.repeat(8)}😀bc`, 10)).toBe(`${'a'.repeat(8)}\uFFFD…`);
});
