import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { reviewerOf } from '../authenticate.ts';
import { seenBy } from '../contents-access.ts';
import type { AdminDeps } from '../deps.ts';
import { invalidMember } from '../api/problems.ts';
import { pageOf, problemResponses } from '../api/schemas.ts';
import { readDueCursor } from '../../gateway/domain/hold-cursor.ts';
import { isId } from '../../gateway/domain/id.ts';
import type { HoldRoutesContext } from './hold-routes-context.ts';
import { holdSummary } from './hold-view.ts';
import * as schemas from '../api/hold-schemas.ts';

type Deps = Pick<AdminDeps, 'holds' | 'demands' | 'clock'>;

/** The queue, and one hold with everything that is needed to decide on it. */
export function readRoutes({ holds, demands, clock }: Deps, context: HoldRoutesContext): FastifyPluginAsyncZod {
  return async (app) => {
    app.get(
      '/holds',
      {
        schema: {
          summary: 'Holds, newest first or by the clock',
          querystring: schemas.holdQuery,
          response: { 200: pageOf(schemas.holdSummary), ...problemResponses(401, 422, 503) },
        },
      },
      async (request) => {
        const { mine, status, kind, system, agent, group, overdue, order, cursor, limit } = request.query;
        const isCursor = (text: string) => (order === 'due' ? readDueCursor(text) !== null : isId('hold', text));
        if (cursor !== undefined && !isCursor(cursor))
          throw invalidMember('querystring', '/cursor', 'expected `next` from an earlier response.');
        const { items, next } = await holds.list({
          limit,
          order,
          ...(mine && { mine: reviewerOf(request).id }),
          ...(status && { status }),
          ...(kind && { kind }),
          ...(system && { system }),
          ...(agent && { agent }),
          ...(group && { group }),
          ...(overdue && { overdue }),
          ...(cursor && { cursor }),
        });
        const now = clock();
        const person = reviewerOf(request);
        return { items: items.map((hold) => holdSummary(seenBy(person, hold), demands(hold), now)), next };
      },
    );

    app.get(
      '/holds/:id',
      {
        // A HEAD would count as having seen what it did not show.
        exposeHeadRoute: false,
        schema: {
          summary: 'The context package of one hold; its ETag is its revision',
          params: schemas.holdParams,
          response: { 200: schemas.contextPackage, ...problemResponses(401, 404, 503) },
        },
      },
      async (request, reply) => await context.show(await context.find(request.params.id), request, reply),
    );
  };
}
