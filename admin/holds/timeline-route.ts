import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import type { Hold } from '../../gateway/domain/hold.ts';
import { holdParams, timeline as shown } from '../api/hold-schemas.ts';
import { problemResponses } from '../api/schemas.ts';
import type { AdminDeps } from '../deps.ts';
import type { HoldRoutesContext } from './hold-routes-context.ts';
import { inTime } from './in-time.ts';
import type { Presence } from './presence.ts';
import { timeline } from './timeline.ts';

type Deps = Pick<AdminDeps, 'notifications' | 'reviews'>;

/** What happened to a hold: from the hold itself, its notifications, the record, and who opened it here. */
export function timelineRoute(
  { notifications, reviews }: Deps,
  presence: Presence,
  context: HoldRoutesContext,
): FastifyPluginAsyncZod {
  return async (app) => {
    app.get(
      '/holds/:id/timeline',
      {
        schema: {
          summary: 'What happened to a hold, oldest first',
          params: holdParams,
          response: { 200: shown, ...problemResponses(401, 404, 503) },
        },
      },
      async (request) => {
        const hold = await context.find(request.params.id);
        const [told, asked] = await Promise.all([
          notifications.about(hold.id),
          inTime((signal) => reviews.steps(recordedAs(hold), signal)),
        ]);
        const steps = 'found' in asked ? asked.found : [];
        const items = timeline(hold, { steps, told, opened: presence.openings(hold.id) });
        return { items, unavailable: 'why' in asked ? asked.why : null };
      },
    );
  };
}

/** As the record has it; a hold without a call has neither. */
function recordedAs(hold: Hold) {
  const { system, callId: call } = hold.kind === 'approval' ? hold : { system: '', callId: '' };
  return { hold: hold.id, agent: hold.principal.agent, system, call };
}
