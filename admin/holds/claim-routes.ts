import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { noBody } from '../api/schemas.ts';
import type { HoldRoutesContext } from './hold-routes-context.ts';
import { writing } from './writing.ts';

/** A claim is a lease of five minutes: others see it, and may not decide while it lasts. */
export function claimRoutes(context: HoldRoutesContext): FastifyPluginAsyncZod {
  return async (app) => {
    app.post(
      '/holds/:id/claim',
      writing('Claims the hold for five minutes, or renews the claim', noBody),
      async (request, reply) => {
        const { hold, as } = await context.begin(request);
        return await context.carryOut(hold, { type: 'claim', ...as }, request, reply);
      },
    );

    app.delete('/holds/:id/claim', writing('Lets go of a claim', noBody), async (request, reply) => {
      const { hold, as } = await context.begin(request);
      return await context.carryOut(hold, { type: 'unclaim', ...as }, request, reply);
    });
  };
}
