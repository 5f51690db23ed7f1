import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { AdminProblem } from '../api/problems.ts';
import { ownNumbers, problemResponses } from '../api/schemas.ts';
import { reviewerOf } from '../authenticate.ts';
import type { AdminDeps } from '../deps.ts';
import { inTime } from '../holds/in-time.ts';

/** Milliseconds. No decision waits for these numbers. */
const PATIENCE = 2_000;

/** A reviewer's own numbers, for that reviewer alone. */
export function ownNumbersRoute({ reviews }: Pick<AdminDeps, 'reviews'>): FastifyPluginAsyncZod {
  return async (app) => {
    app.get(
      '/me/numbers',
      {
        schema: {
          summary: 'How you decided within 30 days; only you see it',
          response: { 200: ownNumbers, ...problemResponses(401, 503) },
        },
      },
      async (request) => {
        const asked = await inTime((signal) => reviews.own(reviewerOf(request).id, signal), PATIENCE);
        if ('why' in asked) throw new AdminProblem('record-unavailable', { detail: asked.why });
        const { decisions, unchanged, underFiveSeconds, median } = asked.found;
        return {
          decisions,
          median_seconds: median === null ? null : median / 1000,
          unchanged_rate: decisions === 0 ? null : unchanged / decisions,
          under_five_seconds: underFiveSeconds,
        };
      },
    );
  };
}
