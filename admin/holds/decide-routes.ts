import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { AdminProblem } from '../api/problems.ts';
import { note } from '../api/schemas.ts';
import type { HoldRoutesContext } from './hold-routes-context.ts';
import { cancelsAs } from './permissions.ts';
import { rejectCode } from '../api/hold-schemas.ts';
import { writing } from './writing.ts';

const rejectBody = z.strictObject({ code: rejectCode, note: note.optional() });
const takeOverBody = z.strictObject({ note: note.optional() }).nullish();
const cancelBody = z.strictObject({ reason: note.optional() }).nullish();

/** The ways to decide against a call. */
export function decideRoutes(context: HoldRoutesContext): FastifyPluginAsyncZod {
  return async (app) => {
    app.post(
      '/holds/:id/reject',
      writing('Rejects the revision that If-Match names; the agent can read code and note', rejectBody),
      async (request, reply) => {
        const { hold, as } = await context.begin(request);
        const { code, note } = request.body;
        return await context.carryOut(hold, { type: 'reject', ...as, code, note: note || null }, request, reply);
      },
    );

    app.post(
      '/holds/:id/take-over',
      writing('A person does it instead of the agent, and records the outcome afterwards', takeOverBody),
      async (request, reply) => {
        const { hold, as } = await context.begin(request);
        const note = request.body?.note || null;
        return await context.carryOut(hold, { type: 'take-over', ...as, note }, request, reply);
      },
    );

    app.post(
      '/holds/:id/cancel',
      writing("Withdraws it: for the agent's owner and operators", cancelBody),
      async (request, reply) => {
        const { hold, as } = await context.begin(request);
        const { by, channel } = as;
        const role = cancelsAs(hold, by);
        if (role === null) {
          throw new AdminProblem('not-permitted', {
            detail: `Only the agent's owner ${hold.principal.owner} or an operator may cancel this. Reject it instead.`,
            extras: { hold_id: hold.id },
          });
        }
        const reason = request.body?.reason || null;
        return await context.carryOut(hold, { type: 'cancel', by: by.id, as: role, channel, reason }, request, reply);
      },
    );
  };
}
