import fc from 'fast-check';
import { AggregatorRegistry, Histogram, Registry } from 'prom-client';
import { expect, it } from 'vitest';
import { CallHistogram } from '../../../gateway/record/histogram.ts';

const ABOUT = { name: 'seconds', help: 'How long it took', buckets: [0.001, 0.01, 0.1] };

it('reports of the same observations what the histogram of prom-client reports, alone and summed over processes', async () => {
  const observations = fc.array(
    fc.record({
      verdict: fc.constantFrom('allow', 'block'),
      value: fc.oneof(fc.constantFrom(...ABOUT.buckets), fc.double({ min: 0, max: 1, noNaN: true })),
    }),
  );
  await fc.assert(
    fc.asyncProperty(observations, async (observed) => {
      const [ours, theirs] = [new Registry(), new Registry()];
      const own = new CallHistogram({ ...ABOUT, labelNames: ['verdict'], registers: [ours] });
      const histogram = new Histogram({ ...ABOUT, labelNames: ['verdict'], registers: [theirs] });
      for (const { verdict, value } of observed) {
        own.series({ verdict }).observe(value);
        histogram.observe({ verdict }, value);
      }
      const summed = async (registry: Registry) => {
        const process = await registry.getMetricsAsJSON();
        return AggregatorRegistry.aggregate([process, process]).metrics();
      };
      const sorted = (text: string) =>
        text
          .split('\n')
          .map((line) => line.replace(/\{(.*)\}/, (_, labels: string) => labels.split(',').toSorted().join()));
      expect(sorted(await ours.metrics())).toEqual(sorted(await theirs.metrics()));
      expect(sorted(await summed(ours))).toEqual(sorted(await summed(theirs)));
    }),
    { numRuns: 50 },
  );
});
