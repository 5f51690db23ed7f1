import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { engines } from '../../gateway/holds/store/engines.ts';
import { killWhileOpening, Lane } from './killed/lane.ts';
import { byName, stories } from './stories.ts';

/** So many processes at a time, each on a database of its own. */
const LANES = 2;
/** HOLDS_POINTS=all in the environment of the tests kills at every point on PostgreSQL too. */
const EVERY = process.env['HOLDS_POINTS'] === 'all' ? 1 : 3;

const places = [
  { ...engines[0]!, where: 'each point', step: 1 },
  { ...engines[1]!, where: EVERY === 1 ? 'each point' : 'every third point', step: EVERY },
];
const recovered = stories.filter(({ name }) => name.startsWith('two people') || name.includes('once more'));
const limits = { timeout: 900_000 };

describe.each(places)(
  'with holds in $name, kill -9 at $where between statements and around commits and sends, while',
  (place) => {
    let lanes: Lane[];

    beforeAll(async () => {
      lanes = await Promise.all(Array.from({ length: LANES }, (_, index) => Lane.open(place, `lane${index}`)));
    });
    afterAll(async () => {
      await Promise.all(lanes.map((lane) => lane.close()));
    });

    /** Each lane takes its share of the points. Resolves with how many they were. */
    async function share(kill: (lane: Lane, first: number, step: number) => Promise<number>): Promise<number> {
      const runs = lanes.map((lane, index) => kill(lane, index * place.step, LANES * place.step));
      // Also when one fails, the other is not left running into the next story.
      await Promise.allSettled(runs);
      return (await Promise.all(runs)).reduce((sum, count) => sum + count, 0);
    }

    test.for(byName(stories))(
      'a kill at any point does not change how it ends: %s',
      limits,
      async ([, story], { annotate }) => {
        const points = await share((lane, first, step) => lane.killEverywhere(story, first, step));
        expect(points).toBeGreaterThan(9 / place.step);
        await annotate(`${points} points`);
      },
    );

    test.for(byName(recovered))(
      'a kill of the successor, after a kill while the call was sent, does not change how it ends: %s',
      limits,
      async ([, story], { annotate }) => {
        const after = 'when the call has arrived';
        const points = await share((lane, first, step) => lane.killEverywhere(story, first, step, after));
        expect(points).toBeGreaterThan(9 / place.step);
        await annotate(`${points} points`);
      },
    );

    test('a kill at any point does not keep the tables from being made', limits, async ({ annotate }) => {
      const points = await share((_lane, first, step) => killWhileOpening(place, first, step));
      expect(points).toBeGreaterThan(9 / place.step);
      await annotate(`${points} points`);
    });
  },
);
