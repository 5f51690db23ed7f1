import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { attachment } from '../../gateway/domain/attachment.ts';
import { artifactsOf, type Hold } from '../../gateway/domain/hold.ts';
import { leaseInForce } from '../../gateway/domain/lease.ts';
import { reviewerOf } from '../authenticate.ts';
import type { AdminDeps } from '../deps.ts';
import { AdminProblem } from '../api/problems.ts';
import { problemResponses } from '../api/schemas.ts';
import type { HoldRoutesContext } from './hold-routes-context.ts';
import { holdParams } from '../api/hold-schemas.ts';

const params = holdParams.extend({ name: z.string().min(1).max(500) });
const content = z.string().meta({ format: 'binary' });

/** What came with a handoff, for the one who took it. */
export function artifactRoute(
  { contents, clock }: Pick<AdminDeps, 'contents' | 'clock'>,
  context: HoldRoutesContext,
): FastifyPluginAsyncZod {
  return async (app) => {
    app.get(
      '/holds/:id/artifacts/:name',
      {
        schema: {
          summary: 'An artifact, for whoever has claimed or accepted the hold that it came with',
          params,
          response: {
            200: { description: 'The content', content: { 'application/octet-stream': { schema: content } } },
            ...problemResponses(401, 403, 404, 503),
          },
        },
      },
      async (request, reply) => {
        const { id, name } = request.params;
        const hold = await context.find(id);
        if (!isTakenBy(hold, reviewerOf(request).id, clock())) {
          throw new AdminProblem('not-permitted', {
            detail: 'Only the person who claimed or accepted this may read its artifacts. Claim it first.',
            extras: { hold_id: hold.id },
          });
        }
        const known = artifactsOf(hold).some((artifact) => artifact.name === name);
        const artifact = known ? await contents.artifact(id, name) : null;
        if (!artifact)
          throw new AdminProblem('not-found', { detail: 'There is no such artifact, or it is no longer stored.' });
        // Whatever the sender calls it, it is never anything that a browser would open here.
        return await reply
          .type('application/octet-stream')
          .header('content-disposition', attachment(artifact.name))
          .header('content-security-policy', "default-src 'none'; sandbox")
          .header('repr-digest', `sha-256=:${Buffer.from(artifact.sha256, 'hex').toString('base64')}:`)
          .send(artifact.content as never);
      },
    );
  };
}

function isTakenBy({ lease, status, decidedBy }: Hold, person: string, now: number): boolean {
  if (leaseInForce(lease, now)?.by === person) return true;
  return decidedBy === person && (status === 'accepted' || status === 'answered' || status === 'taken-over');
}
