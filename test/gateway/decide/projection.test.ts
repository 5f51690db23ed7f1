import { readFile } from 'node:fs/promises';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createEvaluator } from '../../../gateway/decide/evaluator.ts';
import { createProjection } from '../../../gateway/decide/projection.ts';
import { type Bundle, decodeBundle, READS_ANYTHING, type ReadTree } from '../../../gateway/domain/bundle.ts';
import { InputParts } from '../../../gateway/domain/call-input.ts';
import type { ScannedObject } from '../../../gateway/json/scanned-object.ts';
import { checkJson } from '../../../gateway/json/validate.ts';
import type { Decision } from '../../../gateway/domain/decision.ts';
import { SHIPPED_BUNDLE } from '../../../policies/compile.ts';
import { compileRego } from '../../helpers/policy.ts';

/**
 * Reads of every kind that the analysis could miss. All of them read `body`, `query` and `claims`, which tests fill at
 * random.
 */
const AWKWARD = `package rules.crm

import data.lib

b := input.action.body

hold contains {"rule": "absent"} if not input.action.body.a

hold contains {"rule": "false"} if input.action.body.a == false

hold contains {"rule": "any-element"} if input.action.body.list[_] == 1

hold contains {"rule": "any-member", "reason": $"{k}"} if some k, "x" in input.action.query

hold contains {"rule": "comprehension", "reason": $"{n}"} if {
	n := sum([v | some v in input.action.body.b; is_number(v)])
	n > 1
}

hold contains {"rule": "function"} if lib.is_odd(input)

hold contains {"rule": "function-of-part", "reason": lib.name(b)} if is_object(b)

hold contains {"rule": "handed-on"} if lib.part(input.action).c == "x"

hold contains {"rule": "with"} if lib.has_d with input.action.body as {"d": input.action.query.q}

hold contains {"rule": "with-all"} if lib.has_d with input as {"action": {"body": input.context.claims}}

hold contains {"rule": "computed-name"} if input.action.query[concat("", ["q", "r"])]

hold contains {"rule": "name-from-input"} if input.action.body[input.action.query.q] == 1

hold contains {"rule": "default", "reason": $"{v}"} if {
	v := object.get(input.action.body, "e", object.get(input.action.query, "q", "none"))
	v != "none"
}

hold contains {"rule": "default-path"} if object.get(input, ["action", "body", "a", "b"], "no") == 1

hold contains {"rule": "keys"} if "f" in object.keys(input.action.body)

hold contains {"rule": "walk"} if {
	some path
	walk(input.context.claims, [path, "x"])
	count(path) > 1
}

hold contains {"rule": "same"} if input.action.body.a == input.action.query.a

hold contains {"rule": "kind", "reason": type_name(input.action.body.a)} if input.action.body.a != null

hold contains {"rule": "pattern"} if {"a": x, "b": x} = input.action.body

hold contains {"rule": "list-pattern"} if [_, "x"] = input.action.body

hold contains {"rule": "text"} if contains(json.marshal(input.action.query), "x")

hold contains {"rule": "truth"} if input.action.body.g

hold contains {"rule": "every"} if {
	input.action.body.list
	every item in input.action.body.list { item == "x" }
}

hold contains {"rule": "second-value"} if lib.second

hold contains {"rule": "table"} if lib.table[input.action.query.q]

hold contains {"rule": "length"} if count(input.action.body) == 2

hold contains {"rule": "whole", "reason": json.marshal(input.action.body.whole)} if input.action.body.whole != {}

allow contains {"rule": "any"} if input.action.query != {"a": "x"}
`;

const LIB = `package lib

is_odd(call) if call.action.body.a == 1

is_odd(call) if call.context.claims.a == 1

name(x) := x.name

name(x) := "unnamed" if not x.name

part(action) := action.body if action.query.q

else := action.query

has_d if input.action.body.d

second := input.action.body if input.action.query.q == "x"

second := input.context.claims if input.action.query.q == "x"

table contains key if some key, _ in input.context.claims
`;

// Each in a system of its own, so that another policy's reads do not hide a missing one.
const SINGLE: Record<string, string> = {
  negation: 'block contains {"rule": "r"} if not input.action.body.a.b',
  alias: 'x := input.action.body\n\nblock contains {"rule": "r", "reason": $"{x.a}"} if x.b',
  'first-of-two':
    'x := input.action.body.a if input.action.body.a > 0\n\nelse := input.action.body.b\n\nblock contains {"rule": "r"} if x == 1',
  conflict: 'x := input.action.query\n\nx := input.context.claims\n\nblock contains {"rule": "r"} if x',
  object: 'block contains {"rule": "r"} if is_object(input.action.body)',
  inner: 'block contains {"rule": "r"} if is_object(input.action.body.a)',
  escape: 'block contains {"rule": "r"} if input.action.body["a\\"b"]',
  proto: 'block contains {"rule": "r"} if input.action.body.__proto__.a',
  digits: 'block contains {"rule": "r", "reason": $"{input.action.body.a}"} if input.action.body.a > 0',
  loop: 'block contains {"rule": "r"} if {\n\tsome key in ["a", "b"]\n\tinput.action.body[key] == 1\n}',
  other: 'block contains {"rule": "r"} if some system\n\tdata.rules[system].hold[_].rule == "big"',
  number: 'block contains {"rule": "r"} if input.action.body[0] == 1',
  nested: 'block contains {"rule": "r"} if not input.action.body.a == {}',
};

const files = {
  'crm.rego': AWKWARD,
  'lib.rego': LIB,
  'big.rego': 'package rules.big\n\nhold contains {"rule": "big"} if input.action.query.a == "x"\n',
  ...Object.fromEntries(
    Object.entries(SINGLE).map(([name, rule]) => [
      `${name}.rego`,
      `package rules["${name}"]\n\nallow contains {"rule": "any"}\n\n${rule.replace('if some system\n\t', 'if {\n\tsome system\n\t')}${name === 'other' ? '\n}' : ''}\n`,
    ]),
  ),
};

const name = fc.constantFrom(
  'a',
  'b',
  'c',
  'd',
  'e',
  'f',
  'g',
  'q',
  'qr',
  'list',
  'name',
  'whole',
  '__proto__',
  'a"b',
  'ä',
  '',
);
const scalar = fc.oneof(
  fc.constantFrom(
    '1',
    '0',
    '-0',
    '1.0',
    '1e2',
    '12345678901234567890.5',
    'true',
    'false',
    'null',
    '"x"',
    '"a"',
    '{}',
    '[]',
  ),
  fc.string({ unit: 'binary', maxLength: 4 }).map((text) => JSON.stringify(text)),
  fc.constantFrom('"\\\\"', '"\\""', '"\\\\\\""', '"\\ud83d\\ude00"', '"}"', '"{\\"a\\":1}"', '"\\u0061"'),
);
const space = fc.constantFrom('', '', '', ' ', '\n\t ');

/** A name in one of its spellings. */
const written = fc.tuple(name, fc.nat(5)).map(([text, way]) => {
  const plain = JSON.stringify(text);
  return {
    text,
    json: way === 0 && /^[a-z]/.test(text) ? `"\\u00${text.charCodeAt(0).toString(16)}${plain.slice(2)}` : plain,
  };
});

const { value, object } = fc.letrec<{ value: string; object: string }>((tie) => ({
  object: fc
    .tuple(fc.uniqueArray(fc.tuple(written, tie('value')), { selector: ([{ text }]) => text, maxLength: 4 }), space)
    .map(
      ([members, gap]) =>
        `{${gap}${members.map(([{ json }, each]) => `${json}${gap}:${gap}${each}`).join(`${gap},${gap}`)}${gap}}`,
    ),
  value: fc.oneof(
    { maxDepth: 3 },
    scalar,
    tie('object'),
    fc.array(tie('value'), { maxLength: 3 }).map((items) => `[${items.join(',')}]`),
  ),
}));

const systemName = fc.constantFrom('crm', 'crm', 'crm', 'big', 'unheard-of', ...Object.keys(SINGLE));

/** As the gateway writes it: its own members in order, the body's text as the agent wrote it. */
const inputs = fc
  .tuple(systemName, fc.option(value, { nil: undefined }), object, object, fc.constantFrom('GET', 'POST'))
  .map(
    ([system, body, query, claims, method]) =>
      `{"principal":{"agent":"bot \\"},\\"action\\":{","roles":[],"session":null},"action":{"system":"${system}","method":"${method}","segments":["v1","refunds"],"query":${query},"headers":{},"body_bytes":1${body === undefined ? '' : `,"body":${body}`}},"resource":{"type":"x","id":null},"context":{"time":"2026-11-21T00:00:00.000Z","flags":[],"claims":${claims}}}`,
  );

const withoutIdentity = (decision: Decision) => ({ ...decision, id: null, decideMicros: null });

function expectSame(bundle: Bundle, all: fc.Arbitrary<string>, runs: number): Set<string> {
  const projected = createEvaluator(bundle);
  const whole = createEvaluator({ ...bundle, reads: READS_ANYTHING });
  const verdicts = new Set<string>();
  fc.assert(
    fc.property(all, (input) => {
      const wanted = withoutIdentity(whole.decide(input));
      // Judged once, and remembered once.
      for (let i = 0; i < 2; i++) expect(withoutIdentity(projected.decide(input))).toEqual(wanted);
      verdicts.add(
        whole
          .decide(input)
          .rules.map(({ id }) => id)
          .join(),
      );
    }),
    { numRuns: runs },
  );
  return verdicts;
}

describe('what decisions read', () => {
  it('the members read are enough for awkward policies to decide as on the whole input', async () => {
    const bundle = await compileRego(files);
    // Most systems must have a reduced input for this test to mean anything.
    const cut = Object.keys(SINGLE).filter((system) => bundle.reads.systems[system] !== true);
    expect(cut.length).toBeGreaterThan(Object.keys(SINGLE).length / 2);
    expect(expectSame(bundle, inputs, 4000).size).toBeGreaterThan(100);
  });

  it('the members read are enough for each awkward rule by itself', async () => {
    const rules = AWKWARD.slice(AWKWARD.indexOf('hold contains')).split(/\n\n(?=hold |allow )/);
    const [head] = AWKWARD.split('hold contains', 1) as [string];
    const bundle = await compileRego({
      'lib.rego': LIB,
      ...Object.fromEntries(
        rules.map((rule, index) => {
          const used = ['b := input.action.body', 'import data.lib'].filter((line) =>
            line.startsWith('b') ? /\bb\)/.test(rule) : rule.includes('lib.'),
          );
          return [`s${index}.rego`, `${[`package rules.s${index}`, ...used.toReversed(), rule].join('\n\n')}\n`];
        }),
      ),
    });
    expect(head).toContain('package rules.crm');
    const numbered = fc
      .tuple(inputs, fc.nat(rules.length - 1))
      .map(([input, index]) => input.replace(/"system":"[^"]*"/, `"system":"s${index}"`));
    expect(expectSame(bundle, numbered, 6000).size).toBeGreaterThan(rules.length / 2);
  });

  it('the members read are enough for the shipped policies', async () => {
    const bundle = decodeBundle(await readFile(SHIPPED_BUNDLE, 'utf8'));
    const calls = fc
      .tuple(
        inputs,
        fc.constantFrom('payments', 'payments', 'github', 'all', 'crm'),
        fc.constantFrom('["v1","refunds"]', '["v1","charges","ch_1","refund"]', '["repos","a","b","issues"]', '[]'),
        fc.oneof(
          fc.nat(200_000).map((amount) => `{"charge":"ch_1","amount":${amount}}`),
          object,
          value,
        ),
        fc.constantFrom('', '"confidence":0.5,', '"confidence":0.95,'),
      )
      .map(([input, system, segments, body, confidence]) =>
        input
          .replace(/"system":"[^"]*"/, `"system":"${system}"`)
          .replace('["v1","refunds"]', segments)
          .replace('"body_bytes":1', () => `"body_bytes":1,"operation":"o","path":"/p"`)
          .replace(/,"body":.*?},"resource"/s, () => `,"body":${body}},"resource"`)
          .replace('"flags":', `${confidence}"flags":`),
      );
    expect(expectSame(bundle, calls, 3000).size).toBeGreaterThan(8);
  });

  it('the analysis ends for a function that is given its own result', async () => {
    const bundle = await compileRego({
      'crm.rego':
        'package rules.crm\n\npass(x) := x\n\nblock contains {"rule": "r"} if not pass(pass(input.action.body).a).b\n\nallow contains {"rule": "any"}\n',
    });
    const tree = bundle.reads.systems['crm'] as { action: ReadTree };
    expect(tree).not.toBe(true);
    expect(tree.action).toMatchObject({ body: { a: expect.anything() }, system: true });
    const calls = inputs.map((input) => input.replace(/"system":"[^"]*"/, '"system":"crm"'));
    expect(expectSame(bundle, calls, 300).size).toBe(2);
  });

  it('the rules on refunds read the amount, but not the charge or the rest of the body', async () => {
    const { reads } = decodeBundle(await readFile(SHIPPED_BUNDLE, 'utf8'));
    expect(reads.systems['payments']).toMatchObject({ action: { body: { amount: true } } });
    expect(reads.others).toEqual({
      action: { mcp: { from: {}, method: true }, method: true, system: true },
      context: { confidence: true, flags: true },
    });
  });
});

describe('inputs reduced to what is read', () => {
  const others: ReadTree = { action: { system: true, body: { a: true, b: {} } }, context: { flags: true } };
  const project = createProjection({ others, systems: { open: true, shut: {} }, words: [] });

  it('a reduced input keeps what is read in its original text', () => {
    const body = '{ "c": [1, "]"], "a" : 1.50 , "b": {"x": "}"}, "a ": 2}';
    expect(
      project(`{"principal":{"agent":"x"},"action":{"system":"crm","body":${body}},"context":{"ip":"::1","flags":[]}}`),
    ).toBe('{"action":{"system":"crm","body":{"a" : 1.50,"b":{}}},"context":{"flags":[]}}');
  });

  it('a reduced input keeps a value that is not an object where members are read', () => {
    for (const body of ['[{"a":1}]', '"a"', 'null', '12', 'false'])
      expect(project(`{"action":{"system":"crm","path":"/","body":${body}}}`)).toBe(
        `{"action":{"system":"crm","body":${body}}}`,
      );
  });

  it('a reduced input keeps an object whole if it has an escaped name', () => {
    const body = '{"x":{"\\u0061":1},"\\u0061":2,"y":"\\n"}';
    expect(project(`{"action":{"system":"crm","z":1,"body":${body}}}`)).toBe(
      `{"action":{"system":"crm","body":${body}}}`,
    );
  });

  it('an input stays whole when all of it is read, or it has an unknown form', () => {
    for (const input of [
      '{"action":{"system":"open","z":1}}',
      '{"action":{"system":"crm","z":1}',
      '{"action":{"system":"crm","z":1}} {}',
      '{"action":{"system":"cr\\u006d","z":1}}',
      '{"\\u0061ction":{"system":"crm","z":1}}',
      '{"action":{"z":1}}',
      '[{"action":{"system":"crm","z":1}}]',
      '{"z":1}',
      '{}',
      '',
      'null',
    ])
      expect(project(input)).toBe(input);
    expect(project('{"action":{"system":"shut","z":1}}')).toBe('{}');
  });

  it('an input in parts is reduced to the same members as its text', () => {
    const filler = `"filler":"${'x'.repeat(1100)}"`;
    for (const body of [
      `{ "c": [1, "]"], ${filler}, "a" : 1.50 , "b": {"x": "}"}, "a ": 2}`,
      `{${filler},"a":{"b":"\\u00e4\\"ä"}}`,
      `{${filler}}`,
      ` {"a":[1, 2],${filler},"b":"body"}\n`,
    ]) {
      const before = '{"action":{"system":"crm","query":{"x":"1"},"headers":{},"body_bytes":12,"body":';
      const after = '},"context":{"flags":[]}}';
      const parts = new InputParts(before, checkJson(Buffer.from(body)) as ScannedObject, after);
      expect(JSON.parse(project(parts))).toEqual(JSON.parse(project(before + body + after)));
      expect(project(parts).length).toBeLessThan(200);
    }
  });

  it('a reduced input is JSON again, with nothing in it that was not there', () => {
    fc.assert(
      fc.property(inputs, (input) => {
        const cut = JSON.parse(project(input)) as object;
        expect(JSON.parse(input)).toMatchObject(cut);
      }),
    );
  });
});

describe('remembered decisions', () => {
  it('a decision is not remembered if the policy reads the time', async () => {
    const bundle = await compileRego({
      'crm.rego': 'package rules.crm\n\nallow contains {"rule": "now", "reason": $"{time.now_ns()}"}\n',
    });
    let now = 1;
    const { decide } = createEvaluator(bundle, { clock: () => now++ });
    const input = '{"action":{"system":"crm"},"context":{}}';
    expect(decide(input).reason).toBe('1000000');
    expect(decide(input).reason).toBe('2000000');
  });

  it('each remembered decision has its own id', async () => {
    const { decide } = createEvaluator(decodeBundle(await readFile(SHIPPED_BUNDLE, 'utf8')));
    const input = '{"action":{"system":"payments","method":"GET","z":1},"context":{"flags":[]}}';
    const [first, second] = [decide(input), decide(input)];
    expect(withoutIdentity(first)).toEqual(withoutIdentity(second));
    expect(first.id).not.toBe(second.id);
  });
});
