import { expect, test } from 'vitest';
import { createPatience } from '../../../../gateway/enforce/wait/patience.ts';

test.each([
  ['httpx', 5_000],
  ['elasticsearch-py', 10_000],
  ['PyGithub', 15_000],
  ['twilio', 30_000],
])('%s, which was seen leaving, is answered before its time-out the next time', (client, after) => {
  const patience = createPatience();
  expect(patience.longest(client)).toBe(Infinity);
  patience.left(client, after);
  expect(patience.longest(client)).toBe(after * 0.9);
  expect(patience.longest('another')).toBe(Infinity);
});

test('a client counts by its shortest time, one that was stopped at once does not count, and all are forgotten', () => {
  let now = 0;
  const patience = createPatience(() => now);
  patience.left('a', 900);
  expect(patience.longest('a')).toBe(Infinity);
  patience.left('a', 10_000);
  patience.left('a', 5_000);
  patience.left('a', 12_000);
  expect(patience.longest('a')).toBe(4_500);
  now += 3_600_000;
  expect(patience.longest('a')).toBe(Infinity);
  for (let client = 0; client < 1_001; client++) patience.left(`b${client}`, 10_000);
  expect(patience.longest('b0')).toBe(Infinity);
  expect(patience.longest('b1')).toBe(9_000);
});
