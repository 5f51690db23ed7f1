import { expect, test } from 'vitest';
import { remaining } from '../../bench/remaining.ts';

test('the remaining time is estimated from the runs so far', () => {
  let now = 0;
  const left = remaining(4, () => now);
  now = 60_000;
  expect(left()).toBe('[1/4, about 3 min left]');
  now = 90_000;
  expect(left()).toBe('[2/4, about 2 min left]');
  now = 91_000;
  expect(left()).toBe('[3/4, about 31 s left]');
  expect(left()).toBe('[4/4]');
});
