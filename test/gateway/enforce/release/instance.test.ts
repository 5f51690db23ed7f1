import { expect, test } from 'vitest';
import { hasEnded, instanceName } from '../../../../gateway/enforce/release/instance.ts';

const self = instanceName('control', 5, 'this-run');
const known = {
  alive: [instanceName('worker-0', 3, 'this-run'), self],
  ended: new Set<string>(),
  liveRuns: ['this-run', 'the-other-gateway'],
};

test('of a run that gives no sign of life nobody is alive', () => {
  expect(hasEnded(instanceName('worker-0', 3, 'earlier-run'), self, known)).toBe(true);
  expect(hasEnded(instanceName('worker-0', 9, 'earlier-run'), self, known)).toBe(true);
});

test('of another gateway’s run that lives everybody counts as alive', () => {
  expect(hasEnded(instanceName('worker-0', 1, 'the-other-gateway'), self, known)).toBe(false);
});

test('while nobody knows which gateways live, nobody of another one is taken for dead', () => {
  expect(hasEnded(instanceName('worker-0', 3, 'earlier-run'), self, { ...known, liveRuns: null })).toBe(false);
});

test('of this run those are alive that were, and those that came later', () => {
  expect(hasEnded(instanceName('worker-0', 3, 'this-run'), self, known)).toBe(false);
  expect(hasEnded(self, self, known)).toBe(false);
  expect(hasEnded(instanceName('worker-1', 6, 'this-run'), self, known)).toBe(false);
});

test('whoever is known to have ended has ended, although it was alive at first', () => {
  const ended = new Set([instanceName('worker-0', 3, 'this-run'), instanceName('worker-1', 6, 'this-run')]);
  for (const name of ended) expect(hasEnded(name, self, { ...known, ended })).toBe(true);
});

test('an earlier process of the same place has ended, even where its successor lives', () => {
  expect(hasEnded(instanceName('worker-0', 2, 'this-run'), self, known)).toBe(true);
  expect(hasEnded(instanceName('control', 1, 'this-run'), self, known)).toBe(true);
});
