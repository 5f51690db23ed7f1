import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { createEvaluator } from '../../../gateway/decide/evaluator.ts';
import { compiledBare, inFolder, opa } from '../../policies/real-opa.ts';

const text = JSON.stringify;

const digits = fc.stringMatching(/^\d{1,25}$/);
const numberText = fc.oneof(
  fc.stringMatching(/^[+-]?\d{0,20}\.?\d{0,6}([eE][+-]?\d{1,3})?$/),
  fc.constantFrom(
    '',
    '-',
    '+',
    '.',
    '1e',
    'inf',
    '-Infinity',
    'NaN',
    '0x1p-2',
    '0x10',
    '1_000',
    ' 1',
    '1e999999999',
    '-1e100000000',
    '1e-1000000',
    '1e309',
    '007',
  ),
  digits,
);
const number = fc.oneof(
  fc.integer().map(String),
  fc.bigInt(-(10n ** 25n), 10n ** 25n).map(String),
  fc
    .double({ noNaN: true, noDefaultInfinity: true, min: -1e30, max: 1e30 })
    .map((value) => (Object.is(value, -0) ? '0' : String(value))),
  fc.constantFrom('9007199254740993', '1e2', '0.1', '1.0', '100000000000000000000000.5', '2.5', '1e21', '123456789.5'),
);
const argument = fc.oneof(
  number,
  fc.string().map((each) => text(each.toWellFormed())),
  fc.constantFrom('true', 'null', '[1, "a"]', '{"a": {1, 2}}', '"\\u00e9\\u0001"', 'set()'),
);
const verb = fc
  .tuple(
    fc.stringMatching(/^[-+# 0]{0,2}$/),
    fc.constantFrom('', '3', '12', '08'),
    fc.constantFrom('', '.2', '.0', '.', '.7'),
    fc.constantFrom(...'vdsqxXfFeEgGbctTUoO%z'),
  )
  .map((parts) => `%${parts.join('')}`);
const formatted = fc
  .tuple(fc.array(verb, { minLength: 1, maxLength: 3 }), fc.array(argument, { maxLength: 4 }))
  .map(([verbs, args]) => `sprintf(${text(verbs.join('|'))}, [${args.join(', ')}])`);

const ip = fc.oneof(
  fc.ipV4(),
  fc.ipV6(),
  fc.ipV4().map((each) => `::ffff:${each}`),
  fc.constantFrom('10.0.0.1\0', '010.0.0.1', '1.2.3', '::', '1::2::3', 'fe80::1%eth0', '::ffff:0:0', ''),
);
const cidr = fc
  .tuple(ip, fc.constantFrom('0', '8', '08', '24', '32', '33', '96', '104', '128', '129', ''))
  .map((parts) => parts.join('/'));
const networks = fc
  .tuple(fc.constantFrom('net.cidr_contains', 'net.cidr_intersects'), cidr, fc.oneof(ip, cidr))
  .map(([name, a, b]) => `${name}(${text(a)}, ${text(b)})`);

const expressions = fc.oneof(
  { weight: 3, arbitrary: formatted },
  numberText.map((each) => `to_number(${text(each)}) + 0`),
  fc.tuple(number, fc.constantFrom(2, 8, 10, 16)).map(([value, base]) => `format_int(${value}, ${base})`),
  networks,
  fc
    .array(
      fc.string().map((each) => text(each.toWellFormed())),
      { minLength: 1 },
    )
    .map((each) => `concat(",", {${each.join(', ')}})`),
  fc
    .tuple(numberText, fc.constantFrom('', 'K', 'Ki', 'MB', 'mib', 'm'))
    .map(([value, unit]) => `units.parse_bytes(${text(value + unit)})`),
);

it('generated texts and numbers come out as in OPA', async () => {
  const generated = fc.sample(expressions, { numRuns: 1500, seed: 20261128 });
  const rego = `package compare\n\n${generated.map((each, index) => `r${index} := ${each}`).join('\n\n')}\n`;
  const expected = await inFolder({ 'compare.rego': rego }, async (dir) => {
    const { ok, stdout, stderr } = await opa.run(['eval', '--format=raw', '--data=compare.rego', 'data.compare'], dir);
    if (!ok) throw new Error(stdout + stderr);
    return JSON.parse(stdout) as Record<string, unknown>;
  });
  const names = generated.map((_, index) => `compare/r${index}`);
  const evaluator = createEvaluator(await compiledBare({ 'compare.rego': rego }, names));
  const differences = generated.flatMap((expression, index) => {
    const [ours, theirs] = [evaluator.evaluate(`compare/r${index}`, '{}'), expected[`r${index}`]];
    return Object.is(ours, theirs) || text(ours) === text(theirs) ? [] : [{ expression, ours, theirs }];
  });
  expect(differences).toEqual([]);
}, 120_000);
