import { expect, test } from 'vitest';
import { hasEnded, instanceName } from '../../../../gateway/enforce/release/instance.ts';

const self = instanceName('control', 5, 'this-run');
const known = {
  alive: [instanceName('worker-0', 3, 'this-run'), self],
  ended: new Set<string>(),
  endedRun: null,
  liveRuns: ['this-run', 'the-other-gateway'],
};

test('every process of a run without heartbeats has ended', () => {
  expect(hasEnded(instanceName('worker-0', 3, 'earlier-run'), self, known)).toBe(true);
  expect(hasEnded(instanceName('worker-0', 9, 'earlier-run'), self, known)).toBe(true);
});

test('every process of the run before this one on the same folder has ended, however lately it beat', () => {
  const earlier = { ...known, endedRun: 'earlier-run', liveRuns: ['this-run', 'earlier-run'] };
  expect(hasEnded(instanceName('worker-0', 3, 'earlier-run'), self, earlier)).toBe(true);
  expect(hasEnded(instanceName('worker-0', 3, 'earlier-run'), self, { ...earlier, liveRuns: null })).toBe(true);
});

test('every process of another gateway’s live run counts as alive', () => {
  expect(hasEnded(instanceName('worker-0', 1, 'the-other-gateway'), self, known)).toBe(false);
});

test('while live runs are unknown, no process of another gateway counts as ended', () => {
  expect(hasEnded(instanceName('worker-0', 3, 'earlier-run'), self, { ...known, liveRuns: null })).toBe(false);
});

test('processes of this run count as alive if they were alive at the start, or started later', () => {
  expect(hasEnded(instanceName('worker-0', 3, 'this-run'), self, known)).toBe(false);
  expect(hasEnded(self, self, known)).toBe(false);
  expect(hasEnded(instanceName('worker-1', 6, 'this-run'), self, known)).toBe(false);
});

test('a process that was alive at the start has ended once its end is reported', () => {
  const ended = new Set([instanceName('worker-0', 3, 'this-run'), instanceName('worker-1', 6, 'this-run')]);
  for (const name of ended) expect(hasEnded(name, self, { ...known, ended })).toBe(true);
});

test('an earlier process of the same place has ended although its successor is alive', () => {
  expect(hasEnded(instanceName('worker-0', 2, 'this-run'), self, known)).toBe(true);
  expect(hasEnded(instanceName('control', 1, 'this-run'), self, known)).toBe(true);
});
