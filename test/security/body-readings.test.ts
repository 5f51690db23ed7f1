import { beforeAll, describe, expect, test } from 'vitest';
import { createDecider, type Decider } from '../../gateway/decide/decider.ts';
import { createEvaluator } from '../../gateway/decide/evaluator.ts';
import { createDescriber } from '../../gateway/describe/http/http-call.ts';
import type { Call } from '../../gateway/domain/call.ts';
import { problemOf, testArrival, testSystem } from '../gateway/describe/http/arrival.ts';
import { compileRego } from '../helpers/policy.ts';
import { inputText } from '../../gateway/domain/call-input.ts';

const JSON_TYPE = 'application/json';
const FORM_TYPE = 'application/x-www-form-urlencoded';

/** Amounts up to 100 are allowed, and nothing else: what policy does not understand is blocked. */
const STRICT = `package rules.payments

amount := to_number($"{input.action.body.amount}")

allow contains {"rule": "small"} if amount <= 100

hold contains {"rule": "large"} if {
	amount > 100
	amount <= 10000
}
`;

/** All is allowed except large amounts in body and query. */
const LOOSE = `package rules.payments

allow contains {"rule": "any"} if true

block contains {"rule": "body"} if to_number($"{input.action.body.amount}") > 100

block contains {"rule": "query"} if to_number($"{input.action.query.amount}") > 100
`;

/** A call without an amount pays out everything. */
const NEEDS_AMOUNT = `package rules.payments

allow contains {"rule": "small"} if to_number($"{input.action.body.amount}") <= 100

hold contains {"rule": "everything"} if not input.action.body.amount
`;

/** Reads every member of a body. */
const WHOLE = `package rules.payments

allow contains {"rule": "any"} if true

block contains {"rule": "secret"} if {
	some value in input.action.body
	contains(value, "secret")
}
`;

type Judge = (type: string | null, body: string | Buffer, line?: string) => string;

describe('a body that systems read in several ways', () => {
  let strict: Judge;
  let loose: Judge;
  let needsAmount: Judge;
  let whole: Judge;
  let describeLoosely: (type: string | null, body: string | Buffer, line?: string) => Call;

  beforeAll(async () => {
    const judgeBy = async (rego: string) => {
      const policy: Decider = createDecider(createEvaluator(await compileRego({ 'payments.rego': rego })));
      const describeCall = createDescriber(testSystem(), policy);
      const describeIt = (type: string | null, body: string | Buffer, line = 'POST /v1/pay') =>
        describeCall(testArrival(line, type === null ? {} : { 'Content-Type': type }, body));
      const judge: Judge = (...sent) => {
        const call = describeIt(...sent);
        return policy.decide(call.input, call.otherReadings).verdict;
      };
      return { judge, describeIt };
    };
    strict = (await judgeBy(STRICT)).judge;
    ({ judge: loose, describeIt: describeLoosely } = await judgeBy(LOOSE));
    needsAmount = (await judgeBy(NEEDS_AMOUNT)).judge;
    whole = (await judgeBy(WHOLE)).judge;
  });

  test.each([
    ['a form that is JSON to readers that ignore the type', FORM_TYPE, '{"x":"&amount=1&","amount":99999}'],
    ['JSON that is a form to readers that ignore the type', JSON_TYPE, '{"amount":1,"x":"&amount=99999&"}'],
    ['JSON with a form in a list', JSON_TYPE, '{"amount":1,"x":["&amount=99999&"]}'],
    ['JSON with a form whose name Rack trims', JSON_TYPE, '{"amount":1,"x":"& amount=99999&"}'],
    ['JSON with a form whose name PHP ends at NUL', JSON_TYPE, '{"amount":1,"x":"&amount%00=99999&"}'],
    ['JSON with a form that is split at semicolons', JSON_TYPE, '{"amount":1,"x":";amount=99999;"}'],
    ['JSON with a form that repeats a name', JSON_TYPE, '{"amount":1,"x":"&amount=99999&amount=2&"}'],
    [
      'JSON with a list and a field, for readers without brackets',
      JSON_TYPE,
      '{"amount":1,"x":"&amount[]=4&amount=99999&"}',
    ],
    ['JSON with a form whose brackets Rack skips', JSON_TYPE, '{"amount":1,"x":"&[amount]=99999&"}'],
    ['a form that repeats a name, for readers of the first', FORM_TYPE, 'amount=99999&amount=1'],
    ['a form that repeats a name, for readers of the last', FORM_TYPE, 'amount=1&amount=99999'],
    ['a form that is split at semicolons', FORM_TYPE, 'x=1;amount=99999'],
    ['JSON as text', 'text/plain', '{"amount":99999}'],
    ['JSON without a type', null, '{"amount":99999}'],
    ['JSON as bytes', 'application/octet-stream', ' {"amount":99999}'],
    ['JSON before a form, for readers of the first value', FORM_TYPE, '{"amount":99999}&amount=1'],
    ['JSON before other text', 'text/plain', '{"amount":99999} x'],
    ['JSON before other bytes', null, Buffer.from('{"amount":99999}\0\xff', 'latin1')],
    ['JSON with brackets in texts before other text', 'text/plain', '{"x":"]}\\"","amount":99999}]'],
    ['a form without a type, which Rack reads', null, 'amount=99999'],
    ['a form without a type, which others read as JSON', null, '{"amount":1,"x":"&amount=99999&"}'],
    ['JSON after a byte order mark', JSON_TYPE, '\ufeff{"amount":99999}'],
    ['JSON in UTF-16', JSON_TYPE, Buffer.from('\ufeff{"amount":99999}', 'utf16le')],
    ['JSON in stated UTF-16', 'application/json; charset=utf-16le', Buffer.from('{"amount":99999}', 'utf16le')],
  ])('%s is judged in the way in which it is blocked', (_, type, body) => {
    expect(loose(type, body)).toBe('block');
    expect(strict(type, body)).toBe('block');
  });

  test.each([
    ['a query that repeats a name, for readers of the first', '/v1/pay?amount=99999&amount=1'],
    ['a query that repeats a name, for readers of the last', '/v1/pay?amount=1&amount=99999'],
    ['a query that is split at semicolons', '/v1/pay?x=1;amount=99999'],
  ])('%s is judged in the way in which it is blocked', (_, target) => {
    expect(loose(JSON_TYPE, '{}', `POST ${target}`)).toBe('block');
  });

  test.each([
    ['a system that reads a form finds no amount in JSON of its type', FORM_TYPE, '{"amount":1}'],
    ['a system that reads a form finds no amount in JSON with a link', FORM_TYPE, '{"amount":1,"x":"a?b=1&c=2"}'],
  ])('%s, so the call is held', (_, type, body) => {
    expect(needsAmount(type, body)).toBe('hold');
  });

  test.each([
    ['JSON that PHP and Go read', '{"amount":1,"Amount":99999}'],
    ['JSON as text with names in two cases', '{"amount":1,"AMOUNT":99999}', 'text/plain'],
    ['a form that overrides the method for readers that ignore the type', '{"x":"&_method=DELETE&"}'],
    ['JSON before other text with names in two cases', '{"amount":1,"AMOUNT":99999} x', 'text/plain'],
    ['JSON that overrides the method as text', '{"_method":"DELETE"}', 'text/plain'],
    ['JSON that overrides the method as a form', '{"_method":"DELETE"}', FORM_TYPE],
    ['JSON that is stated to be UTF-16 and is not', '{"amount":1}', 'application/json; charset=utf-16'],
  ])('%s is refused', (_, body, type = JSON_TYPE) => {
    expect(problemOf(() => loose(type, body)).code).toBe('bad-body');
  });

  test.each([
    ['a link in JSON, as in Slack messages', JSON_TYPE, '{"text":"see https://x.example/?a=1&b=2;c","amount":5}'],
    ['an escaped link in JSON', JSON_TYPE, '{"text":"https://x.example/?a=1\\u0026amount=2","amount":5}'],
    ['HTML in JSON', JSON_TYPE, '{"html":"<a href=\\"?x=1&amp;y=2\\">a</a>; [b] &c=[1","amount":5}'],
    ['a hundred links in JSON', JSON_TYPE, JSON.stringify({ amount: 5, text: '?a=1&b=2;a=3'.repeat(100) })],
    ['ASCII in JSON of Java clients that state Latin-1 (B07)', 'application/json; charset=ISO-8859-1', '{"amount":5}'],
    ['Latin-1 in JSON', 'application/json; charset=iso-8859-1', Buffer.from('{"amount":5,"name":"Zo\xeb"}', 'latin1')],
    ['a byte order mark before JSON, of .NET clients', JSON_TYPE, '\ufeff{"amount":5}'],
    ['a form of twilio-node (twilio/twilio-node#47)', FORM_TYPE, 'amount=5&MediaUrl=a&MediaUrl=b'],
    ['a form with Latin-1', FORM_TYPE, 'amount=5&name=caf%E9'],
    ['a form with raw Latin-1', `${FORM_TYPE}; charset=iso-8859-1`, Buffer.from('amount=5&name=caf\xe9', 'latin1')],
    ['a form with a semicolon in a value', FORM_TYPE, 'amount=5&wkt=POINT(1 2);4326'],
  ])('%s is allowed', (_, type, body) => {
    expect(strict(type, body)).toBe('allow');
    expect(loose(type, body)).toBe('allow');
    expect(describeLoosely(type, body).otherReadings).toEqual([]);
  });

  test('JSON that curl sends as a form is allowed if both readings are (webrecorder/pywb#656)', () => {
    const body = '{"text":"a; b & c [d","amount":5}';
    expect(loose(FORM_TYPE, body)).toBe('allow');
    expect(JSON.parse(inputText(describeLoosely(FORM_TYPE, body).input)).action.body).toEqual(JSON.parse(body));
  });

  test('a policy that reads whole bodies judges JSON with links as a form, however often they repeat a name', () => {
    const mail = JSON.stringify({ html: '<a href="?a=1&b=2">x</a>&nbsp;<a href="?x=1&a=3;b=4">y</a>&amp;', to: 'ana' });
    expect(whole(JSON_TYPE, mail)).toBe('allow');
    expect(whole(JSON_TYPE, JSON.stringify({ html: '?a=1&b=secret' }))).toBe('block');
    expect(whole(JSON_TYPE, JSON.stringify({ html: '?a=1&b=s%65cret' }))).toBe('block');
  });

  test('JSON after JSON is judged for systems that read on', () => {
    for (const type of ['text/plain', FORM_TYPE]) {
      expect(whole(type, '{"a":1}\n"fine"\n')).toBe('allow');
      expect(whole(type, '{"a":1}\n"secret"\n')).toBe('block');
    }
  });

  test('text and files that are no JSON stay opaque', () => {
    for (const body of ['hello; a=1 & b=2', 'a,b\n1,2', '{not json}', '<a>{}</a>', '[2026-11-28] started', '[x]'])
      expect(describeLoosely('text/plain', body).otherReadings).toEqual([]);
    expect(describeLoosely(null, Buffer.from([0, 1, 2, 255])).otherReadings).toEqual([]);
  });

  test('the usual reading of a name twice is an array, and the number of readings that policy tells apart is told', () => {
    const call = describeLoosely(FORM_TYPE, 'amount=1&amount=2&to=x&to=y');
    expect(JSON.parse(inputText(call.input)).action).toMatchObject({
      body: { amount: ['1', '2'], to: ['x', 'y'] },
      readings: 3,
    });
    expect(call.otherReadings).toHaveLength(2);
  });

  test('more readings than policy judges are refused with a word on what to send', () => {
    const line = 'POST /v1/pay?amount=1&amount=2';
    expect(problemOf(() => loose(FORM_TYPE, 'amount=1&amount=2', line)).message).toMatch(/no name twice/);
  });
});
