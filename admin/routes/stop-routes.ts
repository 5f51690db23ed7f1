import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { iso } from '../../gateway/domain/time.ts';
import { reviewerWithRole } from '../authenticate.ts';
import type { AdminDeps } from '../deps.ts';
import { noBody, NOTE_LENGTH, problemResponses, time, writeHeaders } from '../api/schemas.ts';

const state = z.object({
  stop: z
    .object({
      by: z.string(),
      at: time,
      reason: z.string().nullable(),
      lift_asked_by: z.string().nullable().describe('Who has asked to lift it, where two people have to.'),
    })
    .nullable()
    .describe('Null when nothing is stopped.'),
  lifted_by: z.union([z.literal(1), z.literal(2)]).describe('How many operators it takes to lift a stop.'),
});
export type StopState = z.output<typeof state>;

const stopBody = z.strictObject({ reason: z.string().max(NOTE_LENGTH).optional() }).nullish();

/**
 * The switch that stops everything: every call is refused with `stopped`, nothing is approved or released, and the clocks
 * of holds stand still. A change is answered once every worker of this gateway applies it.
 */
export function stopRoutes(deps: Pick<AdminDeps, 'suspensions' | 'peopleToLift'>): FastifyPluginAsyncZod {
  async function show(): Promise<z.output<typeof state>> {
    const stop = (await deps.suspensions.list()).find(({ kind }) => kind === 'everything');
    return {
      stop: stop
        ? { by: stop.by, at: iso(stop.at), reason: stop.reason, lift_asked_by: stop.liftAskedBy ?? null }
        : null,
      lifted_by: deps.peopleToLift(),
    };
  }

  return async (app) => {
    app.get(
      '/stop',
      { schema: { summary: 'Whether everything is stopped', response: { 200: state, ...problemResponses(401, 503) } } },
      show,
    );

    app.post(
      '/stop',
      {
        schema: {
          summary: 'Stops the calls of all agents at once; holds keep the time that they have left. For operators',
          headers: writeHeaders,
          body: stopBody,
          response: { 200: state, ...problemResponses(400, 401, 403, 413, 415, 422, 503) },
        },
      },
      async (request) => {
        const by = reviewerWithRole(request, 'operator').id;
        await deps.suspensions.stop(by, request.headers['holdpoint-channel'], request.body?.reason || null);
        return await show();
      },
    );

    app.delete(
      '/stop',
      {
        schema: {
          summary: 'Lifts the stop; or asks for that, where two operators have to lift it. For operators',
          headers: writeHeaders,
          body: noBody,
          response: { 200: state, ...problemResponses(400, 401, 403, 413, 415, 503) },
        },
      },
      async (request) => {
        const by = reviewerWithRole(request, 'operator').id;
        await deps.suspensions.lift(by, request.headers['holdpoint-channel'], deps.peopleToLift());
        return await show();
      },
    );
  };
}
