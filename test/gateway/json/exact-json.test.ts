import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  canonicalJson,
  type ExactJson,
  isExactJson,
  isSameJson,
  parseExactly,
  parseReadably,
} from '../../../gateway/json/exact-json.ts';

describe('JSON parsed exactly', () => {
  it('exact JSON is written back with every digit, however a number is spelled', () => {
    for (const text of [
      '{"amount":9007199254740993,"rate":0.10,"tiny":1e-7,"huge":1e400,"minus":-0,"plain":12}',
      '[0.1000000000000000055511151231257827,1E5,10.50,123456789012345678901234567890]',
      '"9007199254740993"',
      '9007199254740993',
    ])
      expect(JSON.stringify(parseExactly(text))).toBe(text);
  });

  it('exact JSON keeps a member named __proto__ as a member', () => {
    const text = '{"__proto__":{"admin":true},"constructor":1}';
    const value = parseExactly(text);
    expect(JSON.stringify(value)).toBe(text);
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
    expect('admin' in {}).toBe(false);
  });

  it('exact JSON is written back as the same JSON', () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        expect(JSON.parse(JSON.stringify(parseExactly(text)))).toEqual(JSON.parse(text));
      }),
    );
  });
});

describe('JSON parsed for display', () => {
  it('a number that JavaScript would round is displayed with its original digits', () => {
    expect(parseReadably('{"amount":9007199254740993,"rate":0.10,"tiny":1e-7,"huge":1e400,"none":0e9}')).toEqual({
      amount: '9007199254740993',
      rate: 0.1,
      tiny: 1e-7,
      huge: '1e400',
      none: 0,
    });
  });
});

describe('canonical JSON', () => {
  it('canonical JSON sorts members by UTF-16 code units and has no spaces', () => {
    expect(
      canonicalJson(parseExactly('{ "é": 1, "b": [ {"z": null, "a": "x\\/y"} ], "😀": true, "10": 2, "9": 3 }')),
    ).toBe('{"10":2,"9":3,"b":[{"a":"x/y","z":null}],"é":1,"😀":true}');
  });

  it('canonical JSON keeps different numbers apart', () => {
    const texts = ['9007199254740993', '9007199254740992', '10.5', '10.50', '1e1', '10', '"10"'].map((text) =>
      canonicalJson(parseExactly(text)),
    );
    expect(new Set(texts).size).toBe(texts.length);
  });

  it('canonical JSON is the same text for equal values, in whatever order they were written', () => {
    fc.assert(
      fc.property(fc.jsonValue({ depthSize: 'medium' }), (value) => {
        expect(canonicalJson(shuffled(value as ExactJson))).toBe(canonicalJson(value as ExactJson));
      }),
    );
  });
});

describe('equality of JSON values', () => {
  const same = (a: string, b: string) => isSameJson(parseExactly(a), parseExactly(b));

  it('JSON values that differ only in order and spelling are equal', () => {
    expect(same('{"a":1,"b":[10.50]}', '{"b":[1.05e1],"a":1.0}')).toBe(true);
    expect(same('-0', '0')).toBe(true);
    expect(same('1e400', '10e399')).toBe(true);
  });

  it.each([
    ['9007199254740993', '9007199254740992'],
    ['1', '"1"'],
    ['1', 'true'],
    ['null', '{}'],
    ['[]', '{}'],
    ['[1,2]', '[2,1]'],
    ['[1]', '[1,1]'],
    ['{"a":1}', '{"b":1}'],
    ['{"a":1}', '{"a":1,"b":1}'],
    ['{"toString":1}', '{"valueOf":1}'],
    ['{"__proto__":{}}', '{"constructor":{}}'],
    ['-1', '1'],
  ])('the JSON values %s and %s differ', (a, b) => {
    expect(same(a, b)).toBe(false);
    expect(same(b, a)).toBe(false);
  });

  it('a JSON text parsed twice gives equal values', () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        expect(same(text, text)).toBe(true);
      }),
    );
  });
});

describe('JavaScript values as JSON', () => {
  it('a JavaScript value can be exact JSON', () => {
    for (const value of [null, true, '', 0, -1.5, [], {}, [[{ a: [1] }]], JSON.rawJSON('1.50'), Object.create(null)])
      expect(isExactJson(value, 8)).toBe(true);
    fc.assert(fc.property(fc.json(), (text) => isExactJson(parseExactly(text), 64)));
  });

  it('a JavaScript value that JSON cannot represent is refused', () => {
    const round: unknown[] = [];
    round.push(round);
    for (const value of [
      undefined,
      Number.NaN,
      Number.POSITIVE_INFINITY,
      1n,
      Symbol('a'),
      () => 1,
      new Date(0),
      new Map(),
      Buffer.from('a'),
      // oxlint-disable-next-line no-sparse-arrays
      [1, , 2],
      { a: undefined },
      '\ud800',
      { '\udc00': 1 },
      JSON.rawJSON('"text"'),
      round,
      [[[1]]],
    ])
      expect(isExactJson(value, 2)).toBe(false);
  });
});

/** The same value with the members of every object in another order. */
function shuffled(value: ExactJson): ExactJson {
  if (Array.isArray(value)) return value.map(shuffled);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .toReversed()
      .map(([name, member]) => [name, shuffled(member)]),
  );
}
