import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { iso } from '../../gateway/domain/time.ts';
import { reviewerWithRole } from '../authenticate.ts';
import type { AdminDeps } from '../deps.ts';
import * as schemas from '../api/schemas.ts';

/** Whether the saved configuration is in force. It names fields, never their values. */
export function configRoute(status: AdminDeps['config']): FastifyPluginAsyncZod {
  return async (app) => {
    app.get(
      '/config',
      {
        schema: {
          summary: 'Since when the configuration is in force, and what of the saved file is not. For operators',
          response: { 200: schemas.configStatus, ...schemas.problemResponses(401, 403) },
        },
      },
      async (request) => {
        reviewerWithRole(request, 'operator');
        const { since, needsRestart, refused } = status();
        return {
          since: iso(since),
          needs_restart: [...needsRestart],
          refused: refused && { at: iso(refused.at), reasons: [...refused.reasons] },
        };
      },
    );
  };
}
