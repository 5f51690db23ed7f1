import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { note, NOTE_LENGTH } from '../api/schemas.ts';
import type { HoldRoutesContext } from './hold-routes-context.ts';
import { writing } from './writing.ts';

const outcomeBody = z.strictObject({
  result: z.enum(['executed', 'not-executed']),
  reference: z.string().max(500).optional().describe('Such as the identifier that the system gave what was done.'),
  note: note.optional(),
});
const noteBody = z.strictObject({ text: z.string().min(1).max(NOTE_LENGTH).describe('The agent does not see it.') });

/** What people put on record: how something went, and what they tell each other. */
export function recordRoutes(context: HoldRoutesContext): FastifyPluginAsyncZod {
  return async (app) => {
    app.post(
      '/holds/:id/outcome',
      writing('What became of a call that was taken over, or whose outcome was unknown', outcomeBody),
      async (request, reply) => {
        const { hold, as } = await context.begin(request);
        const { result, reference, note } = request.body;
        const told = { result, reference: reference || null, note: note || null };
        return await context.carryOut(hold, { type: 'outcome', ...as, ...told }, request, reply);
      },
    );

    app.post('/holds/:id/note', writing('A note between reviewers', noteBody), async (request, reply) => {
      const { hold, as } = await context.begin(request);
      return await context.carryOut(hold, { type: 'note', ...as, text: request.body.text }, request, reply);
    });
  };
}
