import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { foldCase } from '../../../../gateway/json/fold-case.ts';
import { readAsForm, readForm, readQuery } from '../../../../gateway/describe/http/form.ts';
import { readAsGo, readAsPhp, readAsRack } from './form-readers.ts';
import { hasTwins } from '../../../helpers/twins.ts';
import { problemOf } from './arrival.ts';

const formToJson = (text: string) => readForm(text, 1000)[0];
const queryToJson = (query: string) => readQuery(query, 1000)[0];
const readings = (texts: readonly string[]) => texts.map((text) => JSON.parse(text) as unknown);

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
  ['a value beside members', 'a=1&a[b]=2', /more than once/],
  ['members beside a value', 'a[b]=2&a=1', /more than once/],
  ['a list beside members', 'a[]=1&a[b]=2', /more than once/],
  ['a list beside numbered elements', 'a[0]=1&a[]=2', /more than once/],
  ['a list beside a value', 'a[]=1&a=2', /more than once/],
  ['a value beside a list', 'a=1&a[]=2', /more than once/],
  ['deeper members of a value', 'a[b]=1&a[b][c]=2', /more than once/],
  ['an opening bracket alone', 'a[b=1', /unbalanced/],
  ['a closing bracket alone', 'ab]=1', /unbalanced/],
  ['brackets in brackets', 'a[b[c]]=1', /unbalanced/],
  ['text after brackets', 'a[b]c=1', /unbalanced/],
  ['brackets without a name', '[a]=1', /empty/],
  ['an empty name', '=1', /empty/],
  ['a percent sign alone', 'a=100%', /percent-encoding/],
  ['percent-encoding that is not hexadecimal', 'a=%zz', /percent-encoding/],
  ['a name that is not UTF-8', '%ff=1', /percent-encoding/],
  ['an overlong encoding', '%c0%ae=1', /percent-encoding/],
  ['an overlong encoding in a value', 'a=%c0%ae', /percent-encoding/],
  ['a plus sign before a name, which PHP drops', 'amount=1&+amount=99999', /begins with a space/],
  ['a raw space before a name, which Rack drops', 'amount=1& amount=99999', /begins with a space/],
  ['an encoded space before a name', '%20amount=99999', /begins with a space/],
  ['a NUL in a name, where PHP ends it', 'amount%00=99999', /has a NUL/],
  ['names that PHP takes for one, by a dot', 'pay_amount=1&pay.amount=99999', /take for one/],
  ['names that PHP takes for one, by a space', 'pay_amount=1&pay+amount=99999', /take for one/],
  ['names with members that PHP takes for one', 'pay_a[x]=1&pay.a[y]=99999', /take for one/],
  ['names in two cases, which ASP.NET takes for one', 'amount=1&Amount=99999', /take for one/],
  ['members in two cases', 'pay[amount]=1&pay[Amount]=99999', /take for one/],
  ['an equals sign after a bracket, where qs ends the name', 'amount=9[p]=1', /qs/],
  ['an equals sign after an encoded bracket, where qs ends the name', 'amount=9%5Bp%5D=1', /qs/],
  ['a space in brackets, which PHP takes for none', 'a[+]=1', /only space/],
  ['a list of texts and objects', 'a[]=1&a[][b]=2', /more than once/],
  ['a numbered element of an unnumbered list', 'a[][1]=1', /number the elements/],
  ['a list of lists', 'a[][]=1', /number the elements/],
  ['a method override that PHP takes for one', '.method=DELETE', /method override/],
  ['a method override after a semicolon', 'a=1;_method=DELETE', /method override/],
  ['half a surrogate pair', 'a=%ed%a0%80', /percent-encoding/],
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

  test.each<[form: string, values: readonly unknown[]]>([
    // All values, the first (Go, Flask), the last (Rack, PHP).
    ['MediaUrl=a&MediaUrl=b', [{ MediaUrl: ['a', 'b'] }, { MediaUrl: 'a' }, { MediaUrl: 'b' }]],
    ['amount=1&%61mount=9', [{ amount: ['1', '9'] }, { amount: '1' }, { amount: '9' }]],
    ['scope=a&scope=a', [{ scope: ['a', 'a'] }, { scope: 'a' }]],
    ['a[b]=1&a[b]=2', [{ a: { b: ['1', '2'] } }, { a: { b: '1' } }, { a: { b: '2' } }]],
    // Rack, PHP; qs reads the first as Rack does.
    ['items[][id]=1&items[][name]=x', [{ items: [{ id: '1', name: 'x' }] }, { items: [{ id: '1' }, { name: 'x' }] }]],
    ['items[][id]=1&items[][id]=2', [{ items: [{ id: '1' }, { id: '2' }] }, { items: [{ id: ['1', '2'] }] }]],
    // qs closes gaps.
    ['a[1]=x', [{ a: { 1: 'x' } }, { a: ['x'] }]],
    ['i[2][n]=x&i[7][n]=y', [{ i: { 2: { n: 'x' }, 7: { n: 'y' } } }, { i: [{ n: 'x' }, { n: 'y' }] }]],
    // Servers of before 2021 split at a semicolon.
    ['q=a;b', [{ q: 'a;b' }, { q: 'a', b: '' }]],
    ['to=x;amount=9', [{ to: 'x;amount=9' }, { to: 'x', amount: '9' }]],
    ['amount=1; amount=9', [{ amount: '1; amount=9' }, { amount: ['1', '9'] }, { amount: '1' }, { amount: '9' }]],
  ])('the form %j is read in every way in which systems do', (form, values) => {
    expect(readings(readForm(form, 1000))).toEqual(values);
    expect(readings(readQuery(form, 1000))).toEqual(values);
  });

  test.each<[source: string, form: string, value: unknown]>([
    [
      'twilio-node repeats MediaUrl (twilio/twilio-node#47)',
      'To=1&MediaUrl=a&MediaUrl=b',
      { To: '1', MediaUrl: ['a', 'b'] },
    ],
    [
      'Rails reads unnumbered objects (axios/axios#5094)',
      'items[][id]=1&items[][n]=x&items[][id]=2&items[][n]=y',
      {
        items: [
          { id: '1', n: 'x' },
          { id: '2', n: 'y' },
        ],
      },
    ],
    ['a lone dotted name is itself', 'filter.name=x', { 'filter.name': 'x' }],
    [
      'well-known text has a semicolon (elastic/elasticsearch#18186)',
      'wkt=POINT(1 2);4326',
      { wkt: 'POINT(1 2);4326' },
    ],
    ['older clients encode Latin-1', 'name=caf%E9&city=Z%FCrich', { name: 'café', city: 'Zürich' }],
    ['a name of two words', 'first+name=x', { 'first name': 'x' }],
  ])('%s', (_, form, value) => {
    expect(JSON.parse(formToJson(form))).toEqual(value);
    expect(JSON.parse(queryToJson(form))).toEqual(value);
  });

  test('an operator can raise the number of fields', () => {
    const form = Array.from({ length: 1001 }, (_, index) => `a${index}=1`).join('&');
    expect(problemOf(() => readForm(form, 1000)).message).toMatch(/form_fields/);
    expect(Object.keys(JSON.parse(readForm(form, 2000)[0]) as object)).toHaveLength(1001);
  });

  test('text that is no form is read for the fields that some reader finds in it', () => {
    expect(readings(readAsForm('{"x":["&amount=9&"],"y":"[&+to=1&a%00b=2&"}'))).toEqual([
      { amount: '9', to: '1', a: '2' },
    ]);
  });

  test('a form never reaches a prototype', () => {
    formToJson('__proto__[polluted]=1');
    expect('polluted' in {}).toBe(false);
  });

  test('a form with brackets, as Stripe writes them, is read back as what was written', () => {
    // Names of only digits would be elements, and are tested above.
    const name = fc
      .string({ unit: 'grapheme', minLength: 1, maxLength: 6 })
      .filter((text) => !/^\d+$|[[\]]|^\s|\0/.test(text));
    const tree = fc
      .letrec<{ node: unknown; members: Record<string, unknown> }>((tie) => ({
        node: fc.oneof(
          { depthSize: 'small', withCrossShrink: true },
          fc.string({ unit: 'grapheme' }),
          fc.array(fc.string({ unit: 'grapheme' }), { minLength: 1 }),
          fc.array(tie('members'), { minLength: 1, maxLength: 3 }),
          tie('members'),
        ),
        members: fc.dictionary(name, tie('node'), { minKeys: 1, maxKeys: 4, noNullPrototype: true }),
      }))
      .members.filter((value) => !hasTwins(value, (name) => foldCase(name.replace(/[. ]/g, '_'))));
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

describe('every reader of a form', () => {
  const names = 'a b amount A _ . + %20 %00 [] [a] [b] [0] [ ] %5B %5D'.split(' ');
  const tokens = names.concat(' ', '= =1 =2 =9 & &a= &b= &i[][a]=1 &i[][b]=2 &amount=9 ;'.split(' '));
  const form = fc.string({ unit: fc.constantFrom(...tokens), minLength: 1, maxLength: 10 });

  test.each<[reader: string, read: (form: string) => object, isRead: (ours: object, theirs: object) => boolean]>([
    ['PHP', readAsPhp, (ours, theirs) => isSame(byPhpName(ours), theirs)],
    ['Rack', readAsRack, isSame],
    [
      'Go',
      readAsGo,
      (ours, theirs) =>
        Object.entries(theirs).every(([name, value]) => /[[\]]/.test(name) || (ours as never)[name] === value),
    ],
  ])('what %s reads in an accepted form is one of its readings', (_, read, isRead) => {
    let accepted = 0;
    fc.assert(
      fc.property(form, (text) => {
        let ours: readonly object[];
        try {
          ours = readings(readForm(text, 1000)) as object[];
        } catch {
          return;
        }
        accepted++;
        const theirs = read(text);
        expect(ours.some((each) => isRead(each, theirs))).toBe(true);
      }),
      { numRuns: 5000 },
    );
    expect(accepted).toBeGreaterThan(500);
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

/** Whether two readings are equal. Some readers have lists as members named by number. */
function isSame(ours: unknown, theirs: unknown): boolean {
  if (typeof ours !== 'object' || ours === null || typeof theirs !== 'object' || theirs === null)
    return ours === theirs;
  const members = new Map(Object.entries(theirs));
  const own = Object.entries(ours);
  return own.length === members.size && own.every(([name, value]) => isSame(value, members.get(name)));
}

function byPhpName(reading: object): object {
  return Object.fromEntries(Object.entries(reading).map(([name, value]) => [name.replace(/[. ]/g, '_'), value]));
}
