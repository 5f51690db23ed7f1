import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Grant } from '../../gateway/domain/grant.ts';
import { reviewerOf } from '../authenticate.ts';
import { mayReadContents } from '../contents-access.ts';
import type { AdminDeps } from '../deps.ts';
import { AdminProblem } from '../api/problems.ts';
import { cursor, flag, limit, name, pageOf, problemResponses, time, writeHeaders } from '../api/schemas.ts';
import { iso } from '../../gateway/domain/time.ts';

const query = z.strictObject({
  agent: name.optional(),
  active: flag.default(false).describe('Only those that still cover a call.'),
  cursor,
  limit,
});
const params = z.object({ id: z.string().max(100).describe('Such as grant_0193e0f7….') });

const shown = z.object({
  grant_id: z.string(),
  agent: z.string(),
  system: z.string(),
  operation: z.string(),
  hold_id: z.string().describe('The hold that was approved with this grant.'),
  rules: z.array(z.string()).describe('Rules that it approves in advance.'),
  open: z.array(z.string()).describe('Places of the call that may differ. All else must be equal.'),
  ceilings: z.record(z.string(), z.string()).describe('Upper limits of the open numbers, as decimal strings.'),
  uses: z.number().int(),
  used: z.number().int(),
  until: time,
  created_at: time,
  by: z.array(z.string()).describe('The reviewers who approved it.'),
  revoked: z.object({ at: time, by: z.string().nullable() }).nullable(),
});

/** Grants, approvals that cover further calls: listed and revoked. */
export function grantRoutes({ grants }: Pick<AdminDeps, 'grants'>): FastifyPluginAsyncZod {
  return async (app) => {
    app.get(
      '/grants',
      {
        schema: {
          summary: 'Grants, newest first',
          querystring: query,
          response: { 200: pageOf(shown), ...problemResponses(401, 422, 503) },
        },
      },
      async (request) => {
        const { agent, active, cursor, limit } = request.query;
        const { items, next } = await grants.list({
          active,
          limit,
          ...(agent && { agent }),
          ...(cursor && { cursor }),
        });
        // The ceilings are members of the body that was approved.
        const mayRead = mayReadContents(reviewerOf(request), null);
        return { items: items.map(show).map((grant) => (mayRead ? grant : { ...grant, ceilings: {} })), next };
      },
    );

    app.delete(
      '/grants/:id',
      {
        schema: {
          summary: 'Revokes a grant, for its approvers and operators. Revoking again changes nothing',
          params,
          headers: writeHeaders,
          response: { 200: shown, ...problemResponses(401, 403, 404, 503) },
        },
      },
      async (request) => {
        const by = reviewerOf(request);
        const grant = await grants.find(request.params.id);
        if (!grant) throw unknown();
        if (!grant.by.includes(by.id) && !by.roles.includes('operator')) {
          const detail = `Only an approver (${grant.by.join(', ')}) or an operator may revoke this grant.`;
          throw new AdminProblem('not-permitted', { detail });
        }
        const revoked = await grants.revoke(grant.id, by, request.headers['holdpoint-channel']);
        if (!revoked) throw unknown();
        return show(revoked);
      },
    );
  };
}

const unknown = () => new AdminProblem('not-found', { detail: 'There is no such grant.' });

function show(grant: Grant): z.output<typeof shown> {
  const { id, agent, system, operation, holdId, rules, open, ceilings, uses, used, by, revokedAt } = grant;
  return {
    grant_id: id,
    agent,
    system,
    operation,
    hold_id: holdId,
    rules: [...rules],
    open: [...open],
    ceilings: { ...ceilings },
    uses,
    used,
    until: iso(grant.until),
    created_at: iso(grant.createdAt),
    by: [...by],
    revoked: revokedAt === null ? null : { at: iso(revokedAt), by: grant.revokedBy },
  };
}
