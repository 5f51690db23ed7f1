import * as fc from 'fast-check';
import { foldCase } from '../../../../gateway/json/fold-case.ts';
import { describe, expect, it } from 'vitest';
import { amendCall } from '../../../../gateway/describe/http/amend.ts';
import {
  canonicalJson,
  type ExactJson,
  isObject,
  isSameJson,
  parseExactly,
} from '../../../../gateway/json/exact-json.ts';
import { pointerTo } from '../../../../gateway/json/pointer.ts';
import { amended, FORM_TYPE, heldCall, JSON_TYPE } from './held.ts';

const RUNS = { numRuns: 1000 };

const name = fc.oneof(
  fc.constantFrom('a', 'b', 'c', 'amount', '10', '2', '0', 'x/y', '~', '__proto__', 'constructor', 'toString'),
  // In one case, because names that differ only in case are refused.
  fc.string({ unit: 'grapheme', maxLength: 4 }).map(foldCase),
);
const text = fc.string({ unit: 'grapheme', maxLength: 6 });

/** Numbers as text, including ones that JavaScript would round or rewrite. */
const numeral = fc.oneof(
  fc.integer().map(String),
  fc.constantFrom('9007199254740993', '10.50', '1e3', '-0', '0.10000000000000000001', '123456789012345678901234567890'),
);

/** JSON texts with space, any order of members and every spelling of numbers. */
const { object: jsonText } = fc.letrec<{ value: string; object: string }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    fc.oneof(
      numeral,
      fc.constantFrom('true', 'null', '"\\u00e9\\/"'),
      text.map((each) => JSON.stringify(each)),
    ),
    fc.array(tie('value'), { maxLength: 3 }).map((each) => `[${each.join(' ,')}]`),
    tie('object'),
  ),
  object: fc
    .tuple(fc.uniqueArray(name, { maxLength: 4 }), fc.array(tie('value'), { minLength: 4, maxLength: 4 }))
    .map(([names, values]) => `{ ${names.map((each, i) => `${JSON.stringify(each)}: ${values[i]}`).join(' ,')}}`),
}));

const value = fc.oneof(
  numeral.map((each) => parseExactly(each)),
  text,
  fc.boolean(),
  fc.array(text, { maxLength: 3 }),
  fc.dictionary(name, text, { maxKeys: 3 }),
  fc.constant(null),
) as fc.Arbitrary<ExactJson>;

const patch: fc.Arbitrary<ExactJson> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.dictionary(name, fc.oneof(value, fc.dictionary(name, value, { maxKeys: 3 })), { maxKeys: 3 }),
  },
  { weight: 1, arbitrary: value },
) as fc.Arbitrary<ExactJson>;

describe('edits of any JSON body', () => {
  it('an edit of one JSON member changes that member and nothing else', () => {
    fc.assert(
      fc.property(jsonText, fc.nat(), value, (body, turn, wanted) => {
        const before = parseExactly(body);
        const path = oneOf(paths(before), turn);
        const call = heldCall(JSON_TYPE, body);
        const result = amendCall(call, within(path, wanted), [path.reduce(pointerTo, '')]);
        fc.pre('body' in result);
        const after = parseExactly(result.body.toString());
        expect(canonicalJson(without(after, path))).toBe(canonicalJson(without(before, path)));
        expect(result).toEqual(heldCall(JSON_TYPE, result.body));
      }),
      RUNS,
    );
  });

  it('every edit of JSON is refused, or stays within the editable places and is judged as sent by the agent', () => {
    fc.assert(
      fc.property(jsonText, patch, fc.nat(), fc.nat(), (body, edit, one, another) => {
        const before = parseExactly(body);
        const open = [oneOf(paths(before), one), oneOf(paths(edit), another)];
        const call = heldCall(JSON_TYPE, body);
        const result = amendCall(
          call,
          edit,
          open.map((path) => path.reduce(pointerTo, '')),
        );
        fc.pre('body' in result);
        const masked = (given: ExactJson) => canonicalJson(open.reduce<ExactJson>(without, given));
        expect(masked(parseExactly(result.body.toString()))).toBe(masked(before));
        expect(result).toEqual(heldCall(JSON_TYPE, result.body));
      }),
      RUNS,
    );
  });

  it('an edit of a whole JSON body gives what the merge patch says', () => {
    fc.assert(
      fc.property(
        fc.dictionary(name, value, { maxKeys: 4 }),
        fc.dictionary(name, value, { maxKeys: 3 }),
        (before, edit) => {
          const result = amendCall(heldCall(JSON_TYPE, JSON.stringify(before)), edit, ['']);
          fc.pre('body' in result);
          const expected = new Map(Object.entries(before));
          for (const [member, given] of Object.entries(edit)) {
            // Members of members are patched too; this is about those that are replaced.
            fc.pre(!isObject(given));
            if (given === null) expected.delete(member);
            else expected.set(member, given);
          }
          expect(isSameJson(parseExactly(result.body.toString()), Object.fromEntries(expected))).toBe(true);
        },
      ),
      RUNS,
    );
  });
});

/** Forms in which every name is plain or has one or two brackets. */
const formName = fc
  .string({ unit: 'grapheme', minLength: 1, maxLength: 4 })
  .filter((each) => !/^\d+$|[[\]]|^\s|\0/.test(each));
const formBody = fc
  .uniqueArray(
    fc.record({
      keys: fc.array(formName, { minLength: 1, maxLength: 3 }),
      value: text,
      plus: fc.boolean(),
      list: fc.boolean(),
    }),
    // One name must not be another's beginning.
    { minLength: 1, maxLength: 6, selector: ({ keys }) => foldCase(keys[0]!.replace(/[. ]/g, '_')) },
  )
  .map((fields) =>
    fields.map(({ keys, value: given, plus, list }) => {
      const [first = '', ...rest] = [...keys, ...(list ? [''] : [])].map(encodeURIComponent);
      const raw = `${first}${rest.map((key) => `[${key}]`).join('')}=${encodeURIComponent(given)}`;
      return { path: [...keys, ...(list ? ['0'] : [])], list, raw: plus ? raw.replaceAll('%20', '+') : raw };
    }),
  );

describe('edits of any form', () => {
  it('an edit of one form field leaves every other field as it was, byte for byte', () => {
    fc.assert(
      fc.property(formBody, fc.nat(), fc.option(text), (fields, turn, wanted) => {
        const field = oneOf(fields, turn);
        const edited = field.list ? field.path.slice(0, -1) : field.path;
        const call = heldCall(FORM_TYPE, fields.map(({ raw }) => raw).join('&'));
        const edit = within(edited, field.list && wanted !== null ? [wanted] : wanted);
        const result = amendCall(call, edit, [edited.reduce(pointerTo, '')]);
        fc.pre('body' in result);
        const pairs = result.body.toString().split('&');
        const expected = fields.flatMap(({ raw }, index) => {
          if (raw !== field.raw) return [raw];
          return wanted === null ? [] : [pairs[index]];
        });
        expect(pairs).toEqual(expected);
        expect(result).toEqual(heldCall(FORM_TYPE, result.body));
        const value = at(parseExactly(bodyOf(result.input)), field.path);
        expect(value).toBe(wanted ?? undefined);
      }),
      RUNS,
    );
  });

  it('every edit of a form is refused, or stays within the editable places and is judged as sent by the agent', () => {
    fc.assert(
      fc.property(formBody, patch, fc.nat(), fc.nat(), (fields, edit, one, another) => {
        const open = [oneOf(fields, one).path.slice(0, 1), oneOf(paths(edit), another)];
        const call = heldCall(FORM_TYPE, fields.map(({ raw }) => raw).join('&'));
        const result = amendCall(
          call,
          edit,
          open.map((path) => path.reduce(pointerTo, '')),
        );
        fc.pre('body' in result);
        const masked = (input: string) => canonicalJson(open.reduce<ExactJson>(without, parseExactly(bodyOf(input))));
        expect(masked(result.input)).toBe(masked(call.input));
        expect(result).toEqual(heldCall(FORM_TYPE, result.body));
      }),
      RUNS,
    );
  });

  it('a second edit of a form can undo the first', () => {
    fc.assert(
      fc.property(formBody, fc.nat(), text, (fields, turn, wanted) => {
        const { path, list } = oneOf(fields, turn);
        const call = heldCall(FORM_TYPE, fields.map(({ raw }) => raw).join('&'));
        const old = at(parseExactly(bodyOf(call.input)), path)!;
        fc.pre(!list && old !== wanted);
        const undone = amended(amended(call, within(path, wanted), ['']), within(path, old), ['']);
        expect(bodyOf(undone.input)).toBe(bodyOf(call.input));
      }),
      RUNS,
    );
  });
});

function oneOf<T>(all: readonly T[], turn: number): T {
  return all[turn % all.length]!;
}

/** The paths to the root and to every member. */
function paths(given: ExactJson): string[][] {
  if (!isObject(given)) return [[]];
  return [[], ...Object.entries(given).flatMap(([member, each]) => paths(each).map((path) => [member, ...path]))];
}

/** A merge patch that sets one member. */
function within(path: readonly string[], given: ExactJson): ExactJson {
  return path.reduceRight<ExactJson>((inner, member) => Object.fromEntries([[member, inner]]), given);
}

function at(given: ExactJson | undefined, path: readonly string[]): ExactJson | undefined {
  return path.reduce<ExactJson | undefined>((each, member) => {
    const members = each as Readonly<Record<string, ExactJson>> | undefined;
    return members && Object.hasOwn(members, member) ? members[member] : undefined;
  }, given);
}

/** The value without what lies at or below a path of members. */
function without(given: ExactJson, path: readonly string[]): ExactJson {
  const [member, ...rest] = path;
  if (member === undefined) return null;
  if (!isObject(given) || !Object.hasOwn(given, member)) return given;
  return Object.fromEntries(
    Object.entries(given).flatMap(([each, inner]) => {
      if (each !== member) return [[each, inner]];
      return rest.length === 0 ? [] : [[each, without(inner, rest)]];
    }),
  );
}

function bodyOf(input: string): string {
  const { action } = parseExactly(input) as { action: { body: ExactJson } };
  return JSON.stringify(action.body);
}
