import { expect, test } from 'vitest';
import { hadEnded, instanceName } from '../../gateway/instance.ts';

const self = instanceName('control', 5, 'this-run');
const alive = [instanceName('worker-0', 3, 'this-run'), self];

test('of an earlier run of the gateway nobody is alive', () => {
  expect(hadEnded(instanceName('worker-0', 3, 'earlier-run'), self, alive)).toBe(true);
  expect(hadEnded(instanceName('worker-0', 9, 'earlier-run'), self, alive)).toBe(true);
});

test('of this run those are alive that were, and those that came later', () => {
  expect(hadEnded(instanceName('worker-0', 3, 'this-run'), self, alive)).toBe(false);
  expect(hadEnded(self, self, alive)).toBe(false);
  expect(hadEnded(instanceName('worker-1', 6, 'this-run'), self, alive)).toBe(false);
});

test('an earlier process of the same place has ended, even where its successor lives', () => {
  expect(hadEnded(instanceName('worker-0', 2, 'this-run'), self, alive)).toBe(true);
  expect(hadEnded(instanceName('control', 1, 'this-run'), self, alive)).toBe(true);
});
