import { expect, test } from 'vitest';
import { saturation } from '../../bench/loads/closed.ts';
import { readTicks, shareBetween } from '../../bench/loads/core-share.ts';
import { waitAt } from '../../bench/loads/honesty.ts';
import { judge } from '../../bench/smoke.ts';

const found = (coreBusy: number | null) => ({ calls: 1, seconds: 1, failures: 0, p50: 0, p99: 0, coreBusy });

test('a closed loop is worthless if the load used a full core while the peer had time left', () => {
  expect(saturation(found(0.99), 0.7)).toBe(
    'load and upstream filled their core (99 %), the peer used 70 % of its own',
  );
});

test.each([
  { why: 'the peer was spent as well', coreBusy: 0.99, busy: 0.97 },
  { why: 'both waited for something else, such as a disk', coreBusy: 0.6, busy: 0.5 },
  { why: 'there is no peer but the upstream', coreBusy: 1, busy: null },
  { why: 'nothing is known of the core', coreBusy: null, busy: 0.5 },
])('a closed loop stands when $why', ({ coreBusy, busy }) => {
  expect(saturation(found(coreBusy), busy)).toBeNull();
});

test('the share of a core is its work in all its time, without the time of the hypervisor', () => {
  const stat = (core: string) => `cpu  9 9 9 9 9 9 9 9 0 0\ncpu0 1 1 1 1 1 1 1 1 0 0\n${core}\nintr 5\n`;
  const before = readTicks(stat('cpu1 100 0 50 1000 10 1 2 3 4 0'), 1);
  const after = readTicks(stat('cpu1 150 5 70 1018 12 2 3 4 40 0'), 1);
  expect(before).toEqual({ busy: 156, all: 1166 });
  expect(shareBetween(before, after)).toBeCloseTo(78 / 98);
  expect(readTicks(stat(''), 1)).toBeNull();
  expect(shareBetween(null, after)).toBeNull();
});

test('calls that begin evenly wait for the rest of the stop that they meet', () => {
  const server = { period: 1_000, stall: 100 };
  expect([0.5, 0.9, 0.95, 0.99, 1].map((share) => Math.round(waitAt(share, server)))).toEqual([0, 0, 50, 90, 100]);
});

const run = (peer: string, ...micros: number[]) => ({ peer, micros });

test('the smoke bench compares the best rounds, so that a neighbour in one of them changes nothing', () => {
  const calm = judge(1.2, run('proxy', 100, 101), run('gateway', 60, 61));
  const disturbed = judge(1.2, run('proxy', 100, 900), run('gateway', 700, 60));
  expect(disturbed).toEqual(calm);
  expect(calm.failure).toBeNull();
});

test('the smoke bench fails when a call costs several times as much, and says what to do', () => {
  const { ratio, failure } = judge(1.2, run('proxy', 100), run('gateway', 1_000));
  expect(ratio).toBeCloseTo(0.1);
  expect(failure).toMatch(/npm run bench -- --profile/);
});
