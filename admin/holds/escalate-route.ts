import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { AdminDeps } from '../deps.ts';
import { name, note } from '../api/schemas.ts';
import type { HoldRoutesContext } from './hold-routes-context.ts';
import { assertGroups } from './groups.ts';
import { writing } from './writing.ts';

const body = z.strictObject({
  to: z.union([name, z.array(name).min(1).max(20)], { error: 'expected a group, or a list of groups' }),
  note: note.optional(),
});

/** Brings other groups in. */
export function escalateRoute(
  { people }: Pick<AdminDeps, 'people'>,
  context: HoldRoutesContext,
): FastifyPluginAsyncZod {
  return async (app) => {
    app.post('/holds/:id/escalate', writing('Brings other groups in', body), async (request, reply) => {
      const { hold, as } = await context.begin(request);
      const { to: named, note } = request.body;
      const to = typeof named === 'string' ? [named] : named;
      assertGroups(people(), to, typeof named === 'string' ? () => '/to' : (index) => `/to/${index}`);
      const command = { type: 'escalate', ...as, to, note: note || null } as const;
      return await context.carryOut(hold, command, request, reply);
    });
  };
}
