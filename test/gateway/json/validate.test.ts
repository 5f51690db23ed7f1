import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MAX_DEPTH, validateJson } from '../../../gateway/json/validate.ts';
import { hasTwins } from '../../helpers/twins.ts';
import { problemOf } from '../describe/http/arrival.ts';

const REFUSED: readonly [sentence: string, body: string | Buffer, detail: RegExp][] = [
  ['an empty body', '', /unexpected end at byte 0/],
  ['a body of spaces', ' \n', /unexpected end at byte 2/],
  ['a byte order mark', '\ufeff{}', /byte order mark at byte 0/],
  ['an invalid byte', Buffer.from([0x22, 0x61, 0xff, 0x22]), /invalid UTF-8 at byte 2/],
  ['an overlong encoding of a quote', Buffer.from([0x22, 0xc0, 0xa2, 0x22]), /invalid UTF-8 at byte 1/],
  ['a surrogate encoded as UTF-8', Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22]), /invalid UTF-8 at byte 1/],
  ['a UTF-8 sequence cut short', Buffer.from([0x22, 0xe2, 0x82]), /invalid UTF-8 at byte 1/],
  ['UTF-16', Buffer.from('{}', 'utf16le'), /not JSON at byte 1/],
  ['a lone high surrogate', '"\\ud83d"', /unpaired surrogate at byte 1/],
  ['a lone low surrogate', '"\\ude00"', /unpaired surrogate at byte 1/],
  ['two high surrogates', '"\\ud83d\\ud83d"', /unpaired surrogate at byte 1/],
  ['a high surrogate before another escape', '"\\ud83d\\n"', /unpaired surrogate at byte 1/],
  ['a second value', '{} {}', /after the end of the value at byte 3/],
  ['a second value without a space', '1"a"', /after the end of the value at byte 1/],
  ['a NUL after the value', '{}\0', /after the end of the value at byte 2/],
  ['a comment', '{}//x', /after the end of the value/],
  ['a trailing comma in an array', '[1,]', /not JSON at byte 3/],
  ['a trailing comma in an object', '{"a":1,}', /not JSON at byte 7/],
  ['a missing colon', '{"a" 1}', /not JSON at byte 5/],
  ['a missing value', '{"a":}', /not JSON at byte 5/],
  ['a missing comma', '[1 2]', /not JSON at byte 3/],
  ['a name without quotes', '{a:1}', /not JSON at byte 1/],
  ['single quotes', "{'a':1}", /not JSON at byte 1/],
  ['an array closed as an object', '[1}', /not JSON at byte 2/],
  ['an object closed as an array', '{"a":1]', /not JSON at byte 6/],
  ['an object that does not end', '{"a":1', /unexpected end at byte 6/],
  ['a string that does not end', '"abc', /unterminated string at byte 0/],
  ['a string that ends in a backslash', '"abc\\', /invalid escape/],
  ['a line break in a string', '"a\nb"', /control character in a string at byte 2/],
  ['a NUL in a string', '"a\0b"', /control character/],
  ['an unknown escape', '"\\x41"', /invalid escape at byte 1/],
  ['an escape in upper case', '"\\U0041"', /invalid escape/],
  ['an escape of three digits', '"\\u041"', /invalid escape/],
  ['a leading zero', '01', /after the end of the value at byte 1/],
  ['a leading plus', '+1', /not JSON at byte 0/],
  ['a leading point', '.5', /not JSON at byte 0/],
  ['a trailing point', '1.', /unexpected end/],
  ['a minus alone', '-', /unexpected end/],
  ['an exponent without digits', '1e', /unexpected end/],
  ['hexadecimal', '0x10', /after the end/],
  ['NaN', 'NaN', /not JSON/],
  ['Infinity', '-Infinity', /not JSON/],
  ['a literal in upper case', 'TRUE', /not JSON/],
  ['a literal cut short', 'tru', /not JSON/],
  ['a set, which the policy engine would read', '{1,2}', /not JSON/],
  ['the empty set, which the policy engine would read', 'set()', /not JSON/],
  ['a non-breaking space between values', '[1,\u00a02]', /not JSON/],
  ['a number that is infinite upstream', '{"amount":1e400}', /double precision at byte 10/],
  ['a number that is infinite upstream, written out', '9'.repeat(310), /double precision/],
  ['a number that is zero upstream', '1e-400', /double precision/],
  ['an exponent that the policy engine throws at', '1e999999999', /double precision/],
  ['a number of a thousand digits', `0.${'1'.repeat(1000)}`, /more than 320 characters at byte 0/],
  ['a name twice', '{"a":1,"a":2}', /duplicate member name at byte 7/],
  ['a name twice with the same value', '{"a":1,"a":1}', /duplicate member name/],
  ['a name twice, once escaped', '{"amount":1,"\\u0061mount":2}', /duplicate member name/],
  ['a name twice, the first escaped', '{"\\u0061mount":1,"amount":2}', /duplicate member name/],
  ['a name twice, escaped in two ways', '{"\\/":1,"\\u002f":2}', /duplicate member name/],
  ['a name twice in two cases, which Go reads as one', '{"amount":1,"Amount":99999}', /duplicate member name/],
  ['a name twice in two cases, once escaped', '{"amount":1,"\\u0041mount":2}', /duplicate member name/],
  ['a name with a long s, which Go takes for s', '{"cost":1,"co\u017ft":2}', /duplicate member name/],
  ['a name with a Kelvin sign, which Go takes for k', '{"\\u212aey":1,"key":2}', /duplicate member name/],
  ['a name twice in two cases of another alphabet', '{"ΣΊΣ":1,"σίς":2}', /duplicate member name/],
  [
    'a name twice in two cases among many',
    `{${Array.from({ length: 20 }, (_, i) => `"n${i}":1`).join()},"N3":1}`,
    /duplicate member name/,
  ],
  ['a name twice in two cases, in an element', '[{"a":[{"id":1,"b":2,"ID":3}]}]', /duplicate member name/],
  ['a name twice, once as a surrogate pair', '{"😀":1,"\\ud83d\\uDE00":2}', /duplicate member name/],
  ['the empty name twice', '{"":1,"":2}', /duplicate member name/],
  ['a name twice with an object between', '{"a":{"a":1},"b":[{"a":1}],"a":2}', /duplicate member name at byte 27/],
  ['a name twice in an inner object', '[[{"b":{"a":1,"a":2}}]]', /duplicate member name/],
  ['__proto__ twice', '{"__proto__":1,"__proto__":2}', /duplicate member name/],
];

const ACCEPTED: readonly [sentence: string, body: string][] = [
  ['spaces of all four kinds', ' \t\r\n{ "a" :\t[ ] , "b" : { } } \n'],
  ['a scalar', 'null'],
  ['an integer beyond double precision, digit by digit', '{"id":900719925474099312345678901234567890}'],
  ['all forms of numbers', '[0,-0,-0.0,0e0,0E+10,1.50,1e5,1E-5,-12.5e+3,1e308,0.000001]'],
  ['all escapes', '"\\"\\\\\\/\\b\\f\\n\\r\\t\\u0000\\u00e9\\uFFFF\\ud83d\\ude00"'],
  ['names that differ in more than case', '{"maße":1,"masse":2,"Maße2":3}'],
  ['equal names in different objects', '{"a":{"a":{"a":[{"a":1},{"a":1}]}}}'],
  ['a name that begins like another', '{"ab":1,"a":2,"abc":3,"":4}'],
  ['an escaped value like a name', '{"a":"\\u0061","b":"a"}'],
  ['line separators in strings', '"\u2028\u2029\u007f"'],
];

describe('JSON validation', () => {
  test.each(REFUSED)('a JSON body with this flaw is refused: %s', (_, body, detail) => {
    const problem = problemOf(() => validateJson(Buffer.from(body)));
    expect(problem.code).toBe('bad-body');
    expect(problem.message).toMatch(detail);
  });

  test.each(ACCEPTED)('a JSON body with this feature is accepted unchanged: %s', (_, body) => {
    expect(validateJson(Buffer.from(body))).toBe(body);
  });

  test('nesting is accepted up to the limit', () => {
    const nested = (depth: number) => Buffer.from('[{"a":'.repeat(depth / 2) + '1' + '}]'.repeat(depth / 2));
    expect(validateJson(nested(MAX_DEPTH))).toHaveLength(MAX_DEPTH * 4 + 1);
    expect(problemOf(() => validateJson(nested(MAX_DEPTH + 2))).message).toMatch(/128 levels of nesting/);
    expect(problemOf(() => validateJson(Buffer.from('['.repeat(1_000_000)))).message).toMatch(/128 levels of nesting/);
  });

  test('a duplicate among thousands of names is found', () => {
    const members = Array.from({ length: 50_000 }, (_, index) => `"n${index}":0`);
    expect(validateJson(Buffer.from(`{${members.join(',')}}`))).toHaveLength(members.join(',').length + 2);
    const again = `{${members.join(',')},"\\u006e49999":1}`;
    expect(problemOf(() => validateJson(Buffer.from(again))).message).toMatch(/duplicate member name/);
  });

  test('a refused body does not affect the next one', () => {
    problemOf(() => validateJson(Buffer.from('{"a":{"b":{"\\u0063":1,"c":2}}}')));
    expect(validateJson(Buffer.from('{"a":{"b":{"c":1}}}'))).toBe('{"a":{"b":{"c":1}}}');
  });

  test('everything that JSON.stringify writes is accepted unchanged, in any formatting', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 8 }), fc.constantFrom(0, 1, 4, '\t', '\n \r'), (value, indent) => {
        fc.pre(!hasTwins(value));
        const text = JSON.stringify(value, null, indent);
        expect(validateJson(Buffer.from(text))).toBe(text);
      }),
    );
  });

  test('everything that JSON.parse refuses is refused', () => {
    const noise = fc.oneof(
      fc.string({ unit: fc.constantFrom(...'{}[]:,"\\u01e+-.tfn \n', 'true', '"a"', '1', '\u00e9') }),
      fc.json().chain((text) => fc.nat(text.length).map((at) => text.slice(0, at) + text.slice(at + 1))),
    );
    const isJson = (text: string) => attempt(() => typeof JSON.parse(text)) !== undefined;
    fc.assert(
      fc.property(noise, (text) => {
        const accepted = attempt(() => validateJson(Buffer.from(text))) !== undefined;
        expect(accepted && !isJson(text)).toBe(false);
      }),
      { numRuns: 2000 },
    );
  });

  test('a duplicate name is refused however it is escaped', () => {
    const name = fc.string({ unit: 'grapheme', maxLength: 8 });
    fc.assert(
      fc.property(
        name,
        fc.uniqueArray(name, { maxLength: 30 }),
        fc.infiniteStream(fc.boolean()),
        (twice, others, coins) => {
          const names = [twice, ...others.filter((other) => other !== twice), twice];
          const text = `{${names.map((one) => `${escapeSome(one, coins)}:1`).join(',')}}`;
          expect(Object.keys(JSON.parse(text))).toHaveLength(names.length - 1);
          expect(problemOf(() => validateJson(Buffer.from(text))).message).toMatch(/duplicate member name/);
        },
      ),
    );
  });
});

function attempt(run: () => string): string | undefined {
  try {
    return run();
  } catch {
    return undefined;
  }
}

/** `text` as a JSON string with characters escaped at random. */
function escapeSome(text: string, coins: Iterator<boolean>): string {
  return `"${[...text]
    .map((character) =>
      coins.next().value || /["\\\p{Cc}]/u.test(character)
        ? Array.from(
            { length: character.length },
            (_, unit) => `\\u${character.charCodeAt(unit).toString(16).padStart(4, '0')}`,
          ).join('')
        : character,
    )
    .join('')}"`;
}
