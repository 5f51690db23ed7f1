import { expect, test } from 'vitest';
import { nextSteps } from '../../../admin/console/coverage/next-steps.ts';
import { percent, plural } from '../../../admin/console/text/counts.ts';

test('what to do next names two systems with the most calls that pass, and speaks of one operation as of one', () => {
  const item = (system: string, of: 'allowed' | 'guarded', calls: number) => {
    const counts = { calls, allowed: calls, held: 0, blocked: 0, unmatched: 0, looked_at: 0, agents: 1 };
    return { system, operation: 'read', class: of, ...counts, who: [], last_at: null, declared: null };
  };
  const steps = nextSteps([
    item('a', 'allowed', 1),
    item('b', 'allowed', 3),
    item('c', 'allowed', 2),
    item('d', 'guarded', 9),
  ]);
  expect(steps.map(({ search }) => search)).toEqual([
    { class: 'allowed', system: 'b' },
    { class: 'allowed', system: 'c' },
  ]);
  expect(steps[0]!.text).toMatch(/^1 operation of b is allowed without review, in 3 calls\./);
  expect(nextSteps([item('d', 'guarded', 9)])).toEqual([]);
});

test('a little is not nothing, and not quite all is not all', () => {
  expect([0, 0.001, 0.125, 0.999, 1].map(percent)).toEqual(['0 %', '< 1 %', '13 %', '99 %', '100 %']);
  expect([plural(1, 'call'), plural(12_340, 'call')]).toEqual(['1 call', '12,340 calls']);
});
