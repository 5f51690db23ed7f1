import fc from 'fast-check';
import { AggregatorRegistry, Histogram, Registry } from 'prom-client';
import { expect, it } from 'vitest';
import { createHistogram } from '../../../gateway/record/histogram.ts';

const ABOUT = { name: 'seconds', help: 'How long it took', buckets: [0.001, 0.01, 0.1] };

it('says of the same observations what the histogram of prom-client says, alone and added up over processes', async () => {
  const observations = fc.array(
    fc.record({
      verdict: fc.constantFrom('allow', 'block'),
      value: fc.oneof(fc.constantFrom(...ABOUT.buckets), fc.double({ min: 0, max: 1, noNaN: true })),
    }),
  );
  await fc.assert(
    fc.asyncProperty(observations, async (observed) => {
      const [ours, theirs] = [new Registry(), new Registry()];
      const series = createHistogram({ ...ABOUT, registry: ours });
      const histogram = new Histogram({ ...ABOUT, labelNames: ['verdict'], registers: [theirs] });
      for (const { verdict, value } of observed) {
        series({ verdict }).observe(value);
        histogram.observe({ verdict }, value);
      }
      const added = async (registry: Registry) => {
        const process = await registry.getMetricsAsJSON();
        return AggregatorRegistry.aggregate([process, process]).metrics();
      };
      const sorted = (text: string) =>
        text
          .split('\n')
          .map((line) => line.replace(/\{(.*)\}/, (_, labels: string) => labels.split(',').toSorted().join()));
      expect(sorted(await ours.metrics())).toEqual(sorted(await theirs.metrics()));
      expect(sorted(await added(ours))).toEqual(sorted(await added(theirs)));
    }),
    { numRuns: 50 },
  );
});
