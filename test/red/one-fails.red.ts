import { expect, test } from 'vitest';

test('this one passes', () => {
  expect(1 + 1).toBe(2);
});

test('this one fails, and must turn the build red', () => {
  expect(1 + 1).toBe(3);
});
