import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formToJson, queryToJson } from '../../../../gateway/describe/http/form.ts';
import { problemOf } from './arrival.ts';

const READ: readonly [form: string, value: unknown][] = [
  ['', {}],
  ['&&', {}],
  ['a=1&b=two', { a: '1', b: 'two' }],
  ['a=1&&b=2&', { a: '1', b: '2' }],
  ['a', { a: '' }],
  ['a=', { a: '' }],
  ['a=b=c', { a: 'b=c' }],
  ['a=x+y%20z%2B%26%3B', { a: 'x y z+&;' }],
  ['na%C3%AFve=%F0%9F%98%80', { naïve: '😀' }],
  ['metadata[order]=6735', { metadata: { order: '6735' } }],
  ['metadata%5Border%5D=6735', { metadata: { order: '6735' } }],
  ['expand[]=customer&expand[]=charge', { expand: ['customer', 'charge'] }],
  ['expand[0]=customer&expand[1]=charge', { expand: ['customer', 'charge'] }],
  ['expand[1]=charge&expand[0]=customer', { expand: ['customer', 'charge'] }],
  ['items[0][price]=x&items[0][qty]=2&items[1][price]=y', { items: [{ price: 'x', qty: '2' }, { price: 'y' }] }],
  ['a[b][c][]=1&a[b][d]=2', { a: { b: { c: ['1'], d: '2' } } }],
  ['metadata[1]=a&metadata[2]=b', { metadata: { 1: 'a', 2: 'b' } }],
  ['metadata[0]=a&metadata[00]=b', { metadata: { 0: 'a', '00': 'b' } }],
  ['__proto__[admin]=1', JSON.parse('{"__proto__":{"admin":"1"}}')],
  ['constructor[prototype]=1', { constructor: { prototype: '1' } }],
];

const REFUSED: readonly [sentence: string, form: string, detail: RegExp][] = [
  ['a name inside brackets twice', 'a[b]=1&a[b]=2', /"a\[b\]" more than once/],
  ['a number twice', 'a[0]=1&a[0]=2', /more than once/],
  ['a value beside members', 'a=1&a[b]=2', /more than once/],
  ['members beside a value', 'a[b]=2&a=1', /more than once/],
  ['a list beside members', 'a[]=1&a[b]=2', /more than once/],
  ['a list beside numbered elements', 'a[0]=1&a[]=2', /more than once/],
  ['a list beside a value', 'a[]=1&a=2', /more than once/],
  ['a value beside a list', 'a=1&a[]=2', /more than once/],
  ['deeper members of a value', 'a[b]=1&a[b][c]=2', /more than once/],
  ['unnumbered objects in a list', 'items[][price]=1&items[][price]=2', /number the elements/],
  ['an opening bracket alone', 'a[b=1', /unbalanced/],
  ['a closing bracket alone', 'ab]=1', /unbalanced/],
  ['brackets in brackets', 'a[b[c]]=1', /unbalanced/],
  ['text after brackets', 'a[b]c=1', /unbalanced/],
  ['brackets without a name', '[a]=1', /empty/],
  ['an empty name', '=1', /empty/],
  ['a percent sign alone', 'a=100%', /percent-encoding/],
  ['percent-encoding that is not hexadecimal', 'a=%zz', /percent-encoding/],
  ['percent-encoding that is not UTF-8', 'a=%ff', /percent-encoding/],
  ['an overlong encoding', '%c0%ae=1', /percent-encoding/],
  ['half a surrogate pair', 'a=%ed%a0%80', /percent-encoding/],
  ['a semicolon, an ampersand to some (CVE-2021-23336)', 'a=1;amount=999', /semicolon/],
  ['more fields than servers read', Array.from({ length: 1001 }, (_, index) => `a${index}=1`).join('&'), /1000 fields/],
  ['deep brackets', `a${'[b]'.repeat(17)}=1`, /16 levels/],
  ['a method override', '_method=DELETE', /method override/],
  ['an encoded method override', '%5Fmethod=DELETE', /method override/],
  ['the method override of Google front ends', '$httpMethod=DELETE', /method override/],
];

describe('forms as JSON', () => {
  test.each(READ)('the form %j is read', (form, value) => {
    const json = formToJson(form);
    expect(JSON.parse(json)).toEqual(value);
    expect(json).toBe(JSON.stringify(JSON.parse(json)));
  });

  test.each(REFUSED)('a form with %s is refused', (_, form, detail) => {
    const problem = problemOf(() => formToJson(form));
    expect(problem.code).toBe('bad-body');
    expect(problem.message).toMatch(detail);
  });

  test('a form that repeats a plain name is refused', () => {
    expect(problemOf(() => formToJson('amount=1&amount=100000')).message).toMatch(/"amount" more than once/);
    expect(problemOf(() => formToJson('amount=1&%61mount=100000')).message).toMatch(/"amount" more than once/);
  });

  test('a form never reaches a prototype', () => {
    formToJson('__proto__[polluted]=1');
    expect('polluted' in {}).toBe(false);
  });

  test('a form with brackets, as Stripe writes them, is read back as what was written', () => {
    // Names of only digits would be elements, and are tested above.
    const name = fc
      .string({ unit: 'grapheme', minLength: 1, maxLength: 6 })
      .filter((text) => !/^\d+$|[[\]]/.test(text));
    const tree = fc.letrec<{ node: unknown; members: Record<string, unknown> }>((tie) => ({
      node: fc.oneof(
        { depthSize: 'small', withCrossShrink: true },
        fc.string({ unit: 'grapheme' }),
        fc.array(fc.string({ unit: 'grapheme' }), { minLength: 1 }),
        fc.array(tie('members'), { minLength: 1, maxLength: 3 }),
        tie('members'),
      ),
      members: fc.dictionary(name, tie('node'), { minKeys: 1, maxKeys: 4, noNullPrototype: true }),
    })).members;
    fc.assert(
      fc.property(tree, fc.boolean(), (value, encodeBrackets) => {
        const form = [...encode(value)]
          .map(([key, leaf]) => {
            const encoded = encodeURIComponent(key);
            const shown = encodeBrackets ? encoded : encoded.replaceAll('%5B', '[').replaceAll('%5D', ']');
            return `${shown}=${encodeURIComponent(leaf).replaceAll('%20', '+')}`;
          })
          .join('&');
        expect(JSON.parse(formToJson(form))).toEqual(value);
      }),
    );
  });
});

describe('queries as JSON', () => {
  test('an empty query has no members', () => {
    expect(queryToJson('')).toBe('{}');
  });

  test.each(READ)('the query %j is read like a form', (query, value) => {
    expect(JSON.parse(queryToJson(query))).toEqual(value);
  });

  test.each(REFUSED)('a query with %s is refused', (_, query) => {
    expect(problemOf(() => queryToJson(query)).code).toBe('bad-request');
  });

  test('a plain name that a query repeats is an array', () => {
    expect(JSON.parse(queryToJson('expand=a&limit=3&expand=b&expand=c'))).toEqual({
      expand: ['a', 'b', 'c'],
      limit: '3',
    });
  });

  test('a query with a plain name and a list of the same name is refused', () => {
    expect(problemOf(() => queryToJson('a=1&a=2&a[]=3')).message).toMatch(/more than once/);
    expect(problemOf(() => queryToJson('a[]=3&a=1')).message).toMatch(/more than once/);
  });
});

function* encode(value: unknown, key = ''): Generator<[key: string, leaf: string]> {
  if (typeof value === 'string') yield [key, value];
  else if (Array.isArray(value) && value.every((item) => typeof item === 'string')) {
    for (const item of value) yield [`${key}[]`, item];
  } else {
    for (const [name, member] of Object.entries(value as object)) {
      yield* encode(member, key === '' ? name : `${key}[${name}]`);
    }
  }
}
