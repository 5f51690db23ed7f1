import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import type { AdminDeps } from '../deps.ts';
import { approveRoute } from './approve-route.ts';
import { artifactRoute } from './artifact-route.ts';
import { claimRoutes } from './claim-routes.ts';
import { decideRoutes } from './decide-routes.ts';
import { createHoldDesk } from './hold-routes-context.ts';
import { escalateRoute } from './escalate-route.ts';
import { handoffRoutes } from './handoff-routes.ts';
import { readRoutes } from './read-routes.ts';
import { recordRoutes } from './record-routes.ts';

/** Everything about holds: reading them, and every change that a person can make to one. */
export function holdRoutes(deps: AdminDeps): FastifyPluginAsyncZod {
  const desk = createHoldDesk(deps);
  return async (app) => {
    await app.register(readRoutes(deps, desk));
    await app.register(artifactRoute(deps, desk));
    await app.register(claimRoutes(desk));
    await app.register(approveRoute(deps, desk));
    await app.register(decideRoutes(desk));
    await app.register(escalateRoute(deps, desk));
    await app.register(recordRoutes(desk));
    await app.register(handoffRoutes(deps, desk));
  };
}
