import { expect, test } from 'vitest';
import { longRefunds, refunds } from '../../bench/refunds.ts';

test('every refund is different, and small enough to be allowed', () => {
  const made = refunds(64);
  expect(new Set(made.map((refund) => JSON.stringify(refund))).size).toBe(64);
  expect(new Set(made.map(({ charge }) => charge)).size).toBe(64);
  expect(made.every(({ amount }) => Number.isInteger(amount) && amount > 0 && amount <= 5000)).toBe(true);
});

test.each([10_000, 100_000])('a long refund has about %i bytes', (bytes) => {
  for (const text of longRefunds(4, bytes)) {
    expect(Buffer.byteLength(text)).toBeGreaterThan(bytes * 0.97);
    expect(Buffer.byteLength(text)).toBeLessThan(bytes * 1.01);
    expect(text).not.toContain('\n');
  }
});
