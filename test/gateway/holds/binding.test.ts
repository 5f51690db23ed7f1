import { assert, property, uint8Array } from 'fast-check';
import { expect, test } from 'vitest';
import { actionDigest, type Action } from '../../../gateway/holds/binding.ts';

const action: Action = {
  agent: 'billing-bot',
  onBehalfOf: [],
  method: 'POST',
  url: '/payments/v1/refunds',
  headers: ['Content-Type', 'application/json'],
  body: Buffer.from('{"amount":1}'),
};
const digest = (changes: Partial<Action> = {}) => actionDigest({ ...action, ...changes });
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
    digest({ body: Buffer.from('{"amount": 1}') }),
    digest({ headers: ['Content-Type', 'text/plain'] }),
    withHeaders('If-Match', '"1"'),
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
  const names = `Authorization COOKIE X-Api-Key traceparent Date User-Agent Agent-Context Prefer Idempotency-Key
    X-Stripe-Client-Telemetry x-stainless-retry-count Content-Length Host`;
  for (const name of names.split(/\s+/)) {
    expect({ name, digest: withHeaders(name, 'anything') }).toEqual({ name, digest: digest() });
  }
});

test('a credential in an unusual header is left out when it is named', () => {
  expect(digest({ headers: [...action.headers, 'X-Acme-Key', 's3cret'], credentialHeader: 'X-Acme-Key' })).toBe(
    digest(),
  );
});

test('the case of header names and the order of different headers mean nothing', () => {
  expect(digest({ headers: ['X-B', '2', 'x-a', '1'] })).toBe(digest({ headers: ['X-A', '1', 'x-b', '2'] }));
});

test('no two different bodies share a digest', () => {
  assert(
    property(uint8Array(), uint8Array(), (one, other) => {
      const same = Buffer.compare(one, other) === 0;
      expect(digest({ body: one }) === digest({ body: other })).toBe(same);
    }),
  );
});
