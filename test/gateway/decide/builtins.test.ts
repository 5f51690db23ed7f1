import { join } from 'node:path';
import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { createBuiltins, missingBuiltins, MOMENTARY_BUILTINS } from '../../../gateway/decide/builtins.ts';
import { createEvaluator } from '../../../gateway/decide/evaluator.ts';
import { number, type RegoValue, writeValue } from '../../../gateway/decide/rego-value.ts';
import { compiledBare, inFolder, opa, root } from '../../policies/real-opa.ts';

const ns = '1795232400123000000';
const expressions = [
  'time.parse_rfc3339_ns("2026-11-21T03:40:00Z")',
  'time.parse_rfc3339_ns("2026-11-21T03:40:00.123456789+05:30")',
  'time.parse_rfc3339_ns("1969-12-31T23:59:59.5-01:00")',
  'time.parse_rfc3339_ns("2024-02-29T00:00:00Z")',
  'time.parse_rfc3339_ns("2026-02-29T00:00:00Z")',
  'time.parse_rfc3339_ns("2026-11-21 03:40:00Z")',
  'time.parse_rfc3339_ns("2026-11-21T24:00:00Z")',
  'time.parse_rfc3339_ns("2026-11-21t03:40:00z")',
  'time.parse_rfc3339_ns("2400-01-01T00:00:00Z")',
  'time.parse_rfc3339_ns("")',
  ...[
    '1h30m',
    '250ms',
    '1.5s',
    '-2m',
    '+3s',
    '0',
    '1d',
    '2w',
    '1y',
    '1d2h',
    '.5h',
    '7us',
    '7µs',
    '9ns',
    '5',
    '',
    'h',
    '1 h',
    '300y',
    '1.5d',
  ].map((text) => `time.parse_duration_ns(${JSON.stringify(text)})`),
  ...['weekday', 'clock', 'date'].flatMap((name) => [
    `time.${name}(${ns})`,
    `time.${name}([${ns}, "Europe/Madrid"])`,
    `time.${name}([${ns}, "America/St_Johns"])`,
    `time.${name}([${ns}, "UTC"])`,
    `time.${name}([${ns}, ""])`,
    `time.${name}([${ns}, "Nowhere/Atall"])`,
    `time.${name}([${ns}, "+02:00"])`,
    `time.${name}(-1)`,
    `time.${name}(0)`,
    `time.${name}(1.5)`,
    `time.${name}(9999999999999999999999)`,
  ]),
  'strings.any_prefix_match("foobar", "foo")',
  'strings.any_prefix_match(["x", "foobar"], {"ba", "foo"})',
  'strings.any_prefix_match("foobar", ["bar"])',
  'strings.any_prefix_match([], "a")',
  'strings.any_prefix_match("a", [])',
  'strings.any_suffix_match("foobar", {"bar"})',
  'strings.any_suffix_match(["x", "y"], ["bar"])',
  'strings.count("cheese", "e")',
  'strings.count("aaaa", "aa")',
  'strings.count("é😀", "")',
  'sprintf("%s is %d of %v", ["a", 1, true])',
  'sprintf("%q and %x, %d, %v", ["a\\"é", "hi", "no number", 9007199254740993])',
  '{"9007199254740992": true}[sprintf("%v", [9007199254740993])]',
  'to_number("-")',
  'to_number("-1e100000000")',
  'to_number("1e-1000000")',
  'net.cidr_contains("10.0.0.0/8", "10.0.0.1\\u0000")',
  'net.cidr_contains("10.0.0.0/8", "::ffff:10.0.0.1")',
  'net.cidr_contains("::ffff:10.0.0.0/104", "10.0.0.1")',
  'concat(",", {"b", "a", "c"})',
  '[x | some x in {"b", "a", "c"}]',
  '[k | some k, _ in {"b": 1, "a": 2, "c": 3}]',
  'json.marshal({"b": 1, "a": {"d", "c"}})',
  'units.parse_bytes("1.0KB")',
  'regex.replace("a1b22", `([a-z])(\\d+)`, "$2$1")',
  'time.format([1795232400123000000, "Europe/Madrid", "RFC1123Z"])',
  'time.format(1795232400123000000)',
  'time.parse_ns("2006-01-02 15:04 -0700", "2026-11-21 03:40 +0200")',
  'time.add_date(1795232400123000000, 0, 5, 12)',
  'time.diff(1795232400123000000, [1695132400123000000, "America/New_York"])',
];

it('each built-in means what it means in OPA', async () => {
  const rego = `package compare\n\n${expressions.map((each, index) => `r${index} := ${each}`).join('\n\n')}\n`;
  const names = expressions.map((_, index) => `compare/r${index}`);
  const expected = await inFolder({ 'compare.rego': rego }, async (dir) => {
    const { stdout } = await opa.run(['eval', '--format=raw', '--data=compare.rego', 'data.compare'], dir);
    return stdout;
  });
  const evaluator = createEvaluator(await compiledBare({ 'compare.rego': rego }, names));
  const wanted = JSON.parse(expected) as Record<string, unknown>;
  expressions.forEach((expression, index) => {
    expect([expression, evaluator.evaluate(`compare/r${index}`, '{}')]).toEqual([expression, wanted[`r${index}`]]);
  });
});

it('time built-ins return exact nanoseconds', async () => {
  const bundle = await compiledBare(
    { 'x.rego': 'package x\n\nat := time.parse_rfc3339_ns("2026-11-21T03:40:00.123456789Z")\n\nexact := $"{at}"\n' },
    ['x/exact'],
  );
  expect(createEvaluator(bundle).evaluate('x/exact', '{}')).toBe('1795232400123456789');
});

it('policies/capabilities.json lists exactly the built-ins that the gateway has', async () => {
  const capabilities = JSON.parse(await readFile(join(root, 'policies/capabilities.json'), 'utf8')) as {
    builtins: { name: string; infix?: string; decl: { args?: unknown[]; result?: unknown } }[];
  };
  const custom = createBuiltins(Date.now);
  const offered = new Set(capabilities.builtins.map((each) => each.name));
  expect(Object.keys(custom).filter((name) => !offered.has(name))).toEqual([]);

  // Compiled one by one with any arguments, each must be in the module itself or provided.
  const callable = capabilities.builtins.filter(
    ({ name, infix, decl }) => !infix && decl.result && !/^internal\.|^(?:eq|assign|print|walk|set_diff)$/.test(name),
  );
  const rules = callable.map(
    ({ name, decl }, index) =>
      `r${index} := ${name}(${(decl.args ?? []).map((_, position) => `input.a${index}[${position}]`).join(', ')})`,
  );
  const bundle = await compiledBare(
    { 'x.rego': `package x\n\n${rules.join('\n\n')}\n` },
    rules.map((_, index) => `x/r${index}`),
  );
  expect(() => createEvaluator(bundle)).not.toThrow();
});

it('a missing built-in is named', () => {
  expect(missingBuiltins(['sprintf', 'time.now_ns', 'uuid.rfc4122', 'http.send'], createBuiltins(Date.now))).toEqual([
    'http.send',
    'uuid.rfc4122',
  ]);
});

it('a built-in returns the same value at any moment, unless it is known to depend on the moment', () => {
  const [early, late] = [createBuiltins(() => 0), createBuiltins(() => 1_795_232_400_123)];
  const args: readonly RegoValue[] = [
    '1h',
    '2026-11-21T03:40:00Z',
    number(1795232400123000000n),
    ['foo', 'bar'],
    number(1),
  ];
  const differ = Object.keys(early).filter((name) =>
    args.some((arg) => {
      const [before, after] = [early, late].map((each) => each[name]!(arg, arg, arg, arg));
      return writeValue(before ?? null) !== writeValue(after ?? null);
    }),
  );
  expect(differ).toEqual(MOMENTARY_BUILTINS);
});
