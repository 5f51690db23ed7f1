import { assert, property, uint8Array } from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createHeaderRoles } from '../../../gateway/domain/header-roles.ts';
import type { Action } from '../../../gateway/holds/action.ts';
import { actionDigest } from '../../../gateway/holds/binding.ts';

const action: Action = {
  agent: 'billing-bot',
  onBehalfOf: [],
  method: 'POST',
  url: '/payments/v1/refunds',
  headers: ['Content-Type', 'application/json'],
  body: Buffer.from('{"amount":1}'),
};
const roles = createHeaderRoles({ agentCredential: { header: 'x-api-key' } });
const digest = (changes: Partial<Action> = {}, roleOf = roles) => actionDigest({ ...action, ...changes }, roleOf);
const withHeaders = (...headers: string[]) => digest({ headers: [...action.headers, ...headers] });

test('the digest is SHA-256 in lowercase hex', () => {
  expect(digest()).toMatch(/^[0-9a-f]{64}$/);
});

test('anything that changes the action changes the digest', () => {
  const others = [
    digest({ agent: 'other-bot' }),
    digest({ onBehalfOf: ['ana@example.com'] }),
    digest({ method: 'PUT' }),
    digest({ url: '/payments/v1/refunds?expand=charge' }),
    digest({ body: Buffer.from('{"amount":2}') }),
    digest({ body: Buffer.from('{"amount":1.0}') }),
    digest({ headers: ['Content-Type', 'text/plain'] }),
    withHeaders('If-Match', '"1"'),
    withHeaders('Prefer', 'resolution=merge-duplicates'),
    withHeaders('SOAPAction', 'urn:pay'),
    withHeaders('Stripe-Account', 'acct_1'),
    withHeaders('Stripe-Account', 'acct_2'),
    withHeaders('X-A', '1', 'X-A', '2'),
    withHeaders('X-A', '2', 'X-A', '1'),
    withHeaders('X-A', '1, 2'),
    withHeaders('__proto__', '1'),
  ];
  expect(new Set([digest(), ...others]).size).toBe(others.length + 1);
});

test('credentials, tracing, telemetry and the gateway’s own headers do not change the digest', () => {
  const names = `Authorization COOKIE X-Api-Key traceparent Date User-Agent Agent-Context Idempotency-Key
    X-Stripe-Client-Telemetry x-stainless-retry-count Content-Length Host`;
  for (const name of names.split(/\s+/)) {
    expect({ name, digest: withHeaders(name, 'anything') }).toEqual({ name, digest: digest() });
  }
});

test('a credential in an unusual header is left out when it is named', () => {
  const acme = createHeaderRoles({ agentCredential: { header: 'X-Acme' } });
  expect(digest({ headers: [...action.headers, 'X-Acme', 's3cret'] }, acme)).toBe(digest());
});

test('the case of header names and the order of different headers mean nothing', () => {
  expect(digest({ headers: ['X-B', '2', 'x-a', '1'] })).toBe(digest({ headers: ['X-A', '1', 'x-b', '2'] }));
});

test.each(['wait=5', 'respond-async', 'respond-async, wait="50"'])(
  'Prefer: %s is for the gateway and does not change the digest',
  (prefer) => expect(withHeaders('Prefer', prefer)).toBe(digest()),
);

test('Prefer without what is for the gateway is part of the digest', () => {
  expect(withHeaders('Prefer', 'return=minimal, wait=5')).toBe(withHeaders('Prefer', 'return=minimal'));
});

const ofBody = (body: string, type: string) => digest({ headers: ['Content-Type', type], body: Buffer.from(body) });

test.each([
  'application/json',
  'application/json; charset=utf-8',
  'application/vnd.api+json; ext="x"',
  'text/json',
  'application/x-amz-json-1.1',
])('a body of type %s is compared by its value', (type) => {
  expect(ofBody('{ "b": [1, 2],\n"a": "\\u00e9" }', type)).toBe(ofBody('{"a":"é","b":[1,2]}', type));
  expect(ofBody('{"b":[2,1],"a":"é"}', type)).not.toBe(ofBody('{"a":"é","b":[1,2]}', type));
  expect(ofBody('{"a":12345678901234567890}', type)).not.toBe(ofBody('{"a":12345678901234567891}', type));
});

test.each([
  'text/plain',
  'application/x-ndjson',
  'application/json; charset=latin1',
  'application/x-www-form-urlencoded',
])('a body of type %s is compared by its bytes', (type) =>
  expect(ofBody('{"a": 1}', type)).not.toBe(ofBody('{"a":1}', type)),
);

test('a body of type application/json that is not JSON is compared by its bytes', () => {
  expect(ofBody('{"a":', 'application/json')).not.toBe(ofBody('{"a" :', 'application/json'));
});

test('a body that parsers of JSON read differently is compared by its bytes', () => {
  const ofUpload = (text: string) => ofBody(text, 'application/json');
  expect(ofUpload('{"image":"bad","image":"good"}')).not.toBe(ofUpload('{"image":"good"}'));
  expect(ofUpload('[1]\0')).not.toBe(ofUpload('[1]'));
  const levels = 100_000;
  const deep = '['.repeat(levels) + ']'.repeat(levels);
  expect(ofUpload(deep)).not.toBe(ofUpload(` ${deep}`));
});

describe('a multipart body', () => {
  const ONE = '----formdata-undici-012345678901';
  const OTHER = '9f8e7d6c5b4a39281706f5e4d3c2b1a0';
  const form = (boundary: string, ...values: string[]) =>
    ofBody(
      values.map((value) => `--${boundary}\r\nContent-Disposition: form-data; name="a"\r\n\r\n${value}\r\n`).join('') +
        `--${boundary}--\r\n`,
      `multipart/form-data; boundary=${boundary}`,
    );

  test('a multipart body with another boundary is the same', () => {
    expect(form(ONE, '1', '2')).toBe(form(OTHER, '1', '2'));
  });

  test('a multipart body with other parts is another', () => {
    const bodies = [form(ONE, '1', '2'), form(ONE, '2', '1'), form(ONE, '1'), form(ONE, '12'), form(ONE, '1', '2', '')];
    expect(new Set(bodies).size).toBe(bodies.length);
  });

  test('a multipart body that contains the other boundary is another', () => {
    expect(form(ONE, `1\r\n--${OTHER}`)).not.toBe(form(OTHER, `1\r\n--${OTHER}`));
  });

  test('a multipart body of a type with two boundaries is compared by its bytes', () => {
    const twice = (last: string) => ofBody(`--${ONE}--`, `multipart/form-data; boundary=${ONE}; boundary=${last}`);
    expect(twice(OTHER)).not.toBe(twice(`${OTHER}1`));
  });
});

test('no two different bodies share a digest', () => {
  assert(
    property(uint8Array(), uint8Array(), (one, other) => {
      const same = Buffer.compare(one, other) === 0;
      expect(
        digest({ headers: [], body: Buffer.from(one) }) === digest({ headers: [], body: Buffer.from(other) }),
      ).toBe(same);
    }),
  );
});
