import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import type { Hold } from '../../gateway/domain/hold.ts';
import { leaseInForce } from '../../gateway/domain/lease.ts';
import { iso } from '../../gateway/domain/time.ts';
import { holdParams, presence as shown } from '../api/hold-schemas.ts';
import { noBody, problemResponses } from '../api/schemas.ts';
import { reviewerOf } from '../authenticate.ts';
import type { AdminDeps } from '../deps.ts';
import type { HoldRoutesContext } from './hold-routes-context.ts';
import type { Presence } from './presence.ts';

/** Who else looks at a hold. Being there changes nothing about it, so neither route asks for If-Match. */
export function presenceRoutes(
  { clock }: Pick<AdminDeps, 'clock'>,
  presence: Presence,
  context: HoldRoutesContext,
): FastifyPluginAsyncZod {
  return async (app) => {
    const others = ({ id, lease }: Hold, person: string) => {
      const editor = leaseInForce(lease, clock())?.by;
      return presence
        .others(id, person)
        .map(({ reviewer, since }) => ({ reviewer, since: iso(since), editing: reviewer === editor }));
    };
    const schema = {
      params: holdParams,
      body: noBody,
      response: { 200: shown, ...problemResponses(401, 404, 422, 503) },
    };

    app.post(
      '/holds/:id/presence',
      { schema: { summary: 'Tells that you look at the hold, and who else does. Repeat it every 20 s', ...schema } },
      async (request) => {
        const hold = await context.find(request.params.id);
        const { id } = reviewerOf(request);
        presence.arrive(hold.id, id);
        return { others: others(hold, id) };
      },
    );

    app.delete(
      '/holds/:id/presence',
      { schema: { summary: 'Tells that you no longer look at the hold', ...schema } },
      async (request) => {
        const hold = await context.find(request.params.id);
        const { id } = reviewerOf(request);
        presence.leave(hold.id, id);
        return { others: others(hold, id) };
      },
    );
  };
}
