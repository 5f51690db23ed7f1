import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import type { AdminDeps } from '../deps.ts';
import * as schemas from '../api/schemas.ts';

/**
 * Metrics and health, without a token: scrapers and health checks have none. Counts and words only: nothing here names
 * a call, an agent or a person.
 */
export function operationsRoutes({
  metrics,
  readiness,
}: Pick<AdminDeps, 'metrics' | 'readiness'>): FastifyPluginAsyncZod {
  return async (app) => {
    app.get('/metrics', { schema: { hide: true } }, async (_request, reply) =>
      reply.type(metrics.contentType).send(await metrics.render()),
    );

    app.get('/-/livez', { schema: { hide: true } }, async () => ({ live: true }));

    app.get(
      '/-/readyz',
      { schema: { hide: true, response: { 200: schemas.readiness, 503: schemas.readiness } } },
      async (_request, reply) => {
        const { ready, checks } = readiness();
        return await reply.code(ready ? 200 : 503).send({ ready, checks: { ...checks } });
      },
    );
  };
}
