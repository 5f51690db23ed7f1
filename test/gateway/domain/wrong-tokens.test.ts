import { expect, test } from 'vitest';
import { createWrongTokens } from '../../../gateway/domain/wrong-tokens.ts';

const repeat = (times: number, act: () => number | null) => Array.from({ length: times }, act).at(-1) ?? null;

test('an address may send thirty wrong tokens within a minute, and is told when it may try again', () => {
  let now = 0;
  const tokens = createWrongTokens(() => now);
  const wrong = (address: string | undefined) => tokens.count(address);
  expect(repeat(30, () => wrong('192.0.2.1'))).toBeNull();
  now = 20_500;
  expect(wrong('192.0.2.1')).toBe(40);
  expect(wrong('192.0.2.2')).toBeNull();
  expect(wrong(undefined)).toBeNull();
  now = 60_000;
  expect(wrong('192.0.2.1')).toBeNull();
});

test('the addresses of one host count as one', () => {
  const tokens = createWrongTokens(() => 0);
  expect(repeat(30, () => tokens.count('2001:db8::1'))).toBeNull();
  expect(tokens.count('2001:db8:0:0:ffff:1:2:3')).toBe(60);
  expect(tokens.count('2001:db8:0:1::1')).toBeNull();
  expect(repeat(30, () => tokens.count('192.0.2.1'))).toBeNull();
  expect(tokens.count('::ffff:192.0.2.1')).toBe(60);
  expect(repeat(31, () => tokens.count('fe80::1%eth0'))).toBe(60);
});

test('addresses are forgotten beyond a number of them, the oldest first', () => {
  const tokens = createWrongTokens(() => 0);
  expect(repeat(31, () => tokens.count('192.0.2.1'))).toBe(60);
  for (let n = 0; n < 9_999; n++) tokens.count(`10.0.${n >> 8}.${n & 255}`);
  expect(tokens.count('192.0.2.1')).toBe(60);
  tokens.count('198.51.100.1');
  expect(tokens.count('192.0.2.1')).toBeNull();
});
