import { expect, test } from 'vitest';
import { fitTrend } from '../../bench/operation/trend.ts';

const hour = (value: (minute: number) => number) =>
  Array.from({ length: 60 }, (_, minute) => [minute, value(minute)] as const);

test('a leak of a tenth in an hour is growth, even under a saw tooth', () => {
  const trend = fitTrend(hour((minute) => 100 + minute / 6 + (minute % 3)))!;
  expect(trend.grows).toBe(true);
  expect(trend.perHour).toBeCloseTo(10, 0);
});

test('a value that only goes up and down does not grow', () => {
  expect(fitTrend(hour((minute) => 100 + 20 * (minute % 4)))!.grows).toBe(false);
});

test('a value that rises by less than a fiftieth does not grow', () => {
  expect(fitTrend(hour((minute) => 100 + minute / 60))!.grows).toBe(false);
});

test('a few samples show no trend', () => {
  expect(fitTrend(hour((minute) => minute).slice(0, 4))).toBeNull();
});
