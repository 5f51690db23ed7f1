import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { openHoldStore } from '../../../../gateway/holds/store/store.ts';
import { KEY } from '../../../helpers/hold.ts';
import { engines } from '../store/engines.ts';
import { compare, commands } from './commands.ts';
import type { Model } from './reference.ts';
import { World } from './world.ts';

/** Random stories on each engine; HOLDS_STORIES in the environment of the tests asks for more. */
const STORIES = Number(process.env['HOLDS_STORIES'] ?? 100);
const STEPS = 40;

describe.each(engines)('on $name', (engine) => {
  test(
    'people, callers, timers, crashes and two gateways never send twice, too early or something else',
    { timeout: 30 * 60_000 },
    async () => {
      let stories = 0;
      await fc.assert(
        fc.asyncProperty(fc.commands(commands, { maxCommands: STEPS, size: 'max' }), async (steps) => {
          const place = await engine.place();
          const world = new World((clock) =>
            openHoldStore({ ...place.at, key: KEY, node: 'test', clock, reviewers: [], compose: () => [] }),
          );
          await world.start();
          const model: Model = { now: world.now, latest: world.now, suspended: false, holds: [] };
          try {
            await fc.asyncModelRun(() => ({ model, real: world }), steps);
            await compare(model, world);
            stories++;
          } finally {
            await world.close();
            await place.remove();
          }
        }),
        { numRuns: STORIES, interruptAfterTimeLimit: 25 * 60_000 },
      );
      expect(stories).toBeGreaterThan(0);
    },
  );
});
