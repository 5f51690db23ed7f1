import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import type { AdminDeps } from '../deps.ts';
import { approveRoute } from './approve-route.ts';
import { artifactRoute } from './artifact-route.ts';
import { batchRoute } from './batch-route.ts';
import { bodyRoute } from './body-route.ts';
import { claimRoutes } from './claim-routes.ts';
import { decideRoutes } from './decide-routes.ts';
import { createHoldRoutesContext } from './hold-routes-context.ts';
import { escalateRoute } from './escalate-route.ts';
import { handoffRoutes } from './handoff-routes.ts';
import { numbersRoute } from './numbers-route.ts';
import { presenceRoutes } from './presence-routes.ts';
import { createPresence } from './presence.ts';
import { previewRoute } from './preview-route.ts';
import { readRoutes } from './read-routes.ts';
import { recordRoutes } from './record-routes.ts';
import { timelineRoute } from './timeline-route.ts';

/** Everything about holds: reading them, and every change that a person can make to one. */
export function holdRoutes(deps: AdminDeps): FastifyPluginAsyncZod {
  const context = createHoldRoutesContext(deps);
  const presence = createPresence(deps.clock);
  return async (app) => {
    await app.register(readRoutes(deps, context));
    await app.register(timelineRoute(deps, presence, context));
    await app.register(numbersRoute(deps, context));
    await app.register(presenceRoutes(deps, presence, context));
    await app.register(artifactRoute(deps, context));
    await app.register(bodyRoute(deps, context));
    await app.register(claimRoutes(context));
    await app.register(approveRoute(deps, context));
    await app.register(previewRoute(deps, context));
    await app.register(decideRoutes(context));
    await app.register(batchRoute(deps, context));
    await app.register(escalateRoute(deps, context));
    await app.register(recordRoutes(context));
    await app.register(handoffRoutes(deps, context));
  };
}
