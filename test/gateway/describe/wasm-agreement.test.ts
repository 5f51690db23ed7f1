import { readFile } from 'node:fs/promises';
import * as fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { createInstance, preparePolicyModule } from '../../../gateway/decide/instance.ts';
import { createDescriber } from '../../../gateway/describe/http/http-call.ts';
import { hasTwins } from '../../helpers/twins.ts';
import { testArrival, testSystem } from './http/arrival.ts';
import { inputText } from '../../../gateway/domain/call-input.ts';

const ECHO = new URL('../../fixtures/describe/echo.wasm', import.meta.url);
const describeCall = createDescriber(testSystem());

type Echo = { readonly body: unknown; readonly less: boolean | null };
let echo: (body: string, type?: string) => Echo;

beforeAll(async () => {
  const policy = createInstance(preparePolicyModule(await readFile(ECHO)), '{}', {}, () => {});
  echo = (body, type = 'application/json') => {
    const { input } = describeCall(testArrival('POST /v1/x', { 'Content-Type': type }, body));
    const [first] = JSON.parse(policy.evaluate(0, inputText(input))) as [{ result: Echo }];
    return first.result;
  };
});

describe('the policy engine and the upstream read the same', () => {
  test.each([
    '{"a":[1,-2.5,1e3,1E-3,0.1],"b":{"":null,"\\u0000":true},"__proto__":{"x":false}}',
    '"\\"\\\\\\/\\b\\f\\n\\r\\t\\u0000\\u001f\\u007f\\u00e9\\uFFFF\\ud83d\\ude00"',
    '"\u007f\u2028\u2029é€😀"',
    ' \t\r\n[ 1 , { "a" :\r\n2 } ]\n',
    '[]',
    '{}',
    '[1e308,-1e308,5e-324,1.7976931348623157e308,100000000000000000000]',
    `${'['.repeat(128)}${']'.repeat(128)}`,
    `[0.${'1'.repeat(310)}]`,
  ])('%s', (body) => {
    expect(echo(body).body).toEqual(JSON.parse(body));
  });

  test('for all JSON values', () => {
    fc.assert(
      fc.property(fc.jsonValue({ stringUnit: 'binary' }), fc.constantFrom(0, 2), (value, indent) => {
        const body = JSON.stringify(value, null, indent);
        fc.pre(!hasTwins(value));
        expect(positiveZero(echo(body).body)).toEqual(positiveZero(JSON.parse(body)));
      }),
      { numRuns: 300 },
    );
  });

  test('for numbers in every form, when they are compared', () => {
    const number = fc
      .tuple(
        fc.constantFrom('', '-'),
        fc.nat(99_999),
        fc.constantFrom('', '.0', '.50', '.001'),
        fc.constantFrom('', 'e2', 'E-2', 'e+10', 'e0'),
      )
      .map((parts) => parts.join(''));
    fc.assert(
      fc.property(number, number, (a, b) => {
        expect(echo(`[${a},${b}]`).less ?? false).toBe(Number(a) < Number(b));
      }),
      { numRuns: 300 },
    );
  });

  test.each([
    ['[9007199254740992,9007199254740993]', true],
    ['[9223372036854775807,9223372036854775808]', true],
    ['[18446744073709551617,2]', false],
    ['[-9223372036854775809,-9223372036854775808]', true],
    ['[-0,0]', false],
    ['[1e2,100]', false],
    ['[100,1.0e2]', false],
  ])('compares %s digit by digit', (body, less) => {
    expect(echo(body).less).toBe(less);
  });

  test('for forms', () => {
    const form = 'name=%22%5C%00%E2%82%AC&items[0][price]=1&items[1][price]=2&__proto__[a]=b';
    expect(echo(form, 'application/x-www-form-urlencoded').body).toEqual(
      JSON.parse('{"name":"\\"\\\\\\u0000€","items":[{"price":"1"},{"price":"2"}],"__proto__":{"a":"b"}}'),
    );
  });
});

/** The engine knows one zero; comparisons cannot tell the two apart. */
function positiveZero(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}
