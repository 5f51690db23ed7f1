import { hash } from 'node:crypto';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { attachment } from '../../gateway/domain/attachment.ts';
import { reviewerOf } from '../authenticate.ts';
import { mayReadContents } from '../contents-access.ts';
import type { AdminDeps } from '../deps.ts';
import { AdminProblem } from '../api/problems.ts';
import { problemResponses } from '../api/schemas.ts';
import { holdParams } from '../api/hold-schemas.ts';
import { entityTag } from './entity-tag.ts';
import type { HoldRoutesContext } from './hold-routes-context.ts';

const content = z.string().meta({ format: 'binary' });

/** The bytes of a held call's body, for the people who may read it. */
export function bodyRoute(
  { contents }: Pick<AdminDeps, 'contents'>,
  context: HoldRoutesContext,
): FastifyPluginAsyncZod {
  return async (app) => {
    app.get(
      '/holds/:id/body',
      {
        schema: {
          summary: "The exact bytes of a held call's body, at its current revision",
          params: holdParams,
          response: {
            200: { description: 'The body', content: { 'application/octet-stream': { schema: content } } },
            ...problemResponses(401, 403, 404, 503),
          },
        },
      },
      async (request, reply) => {
        const hold = await context.find(request.params.id);
        if (!mayReadContents(reviewerOf(request), hold.principal.owner)) {
          throw new AdminProblem('not-permitted', {
            detail: "Only reviewers, operators and the agent's owner may read what is in a call.",
            extras: { hold_id: hold.id },
          });
        }
        const call = hold.kind === 'approval' ? await contents.call(hold.id, hold.revision) : null;
        if (!call) throw new AdminProblem('not-found', { detail: 'There is no call, or it is no longer stored.' });
        // Whatever the agent calls it, it is never anything that a browser would open here.
        return await reply
          .type('application/octet-stream')
          .header('content-disposition', attachment(`${hold.id}.body`))
          .header('content-security-policy', "default-src 'none'; sandbox")
          .header('repr-digest', `sha-256=:${hash('sha256', call.body, 'base64')}:`)
          .header('etag', entityTag(hold.revision))
          .send(call.body as never);
      },
    );
  };
}
