import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Delegation } from '../../gateway/domain/delegation.ts';
import { reviewerOf, reviewerWithRole } from '../authenticate.ts';
import type { AdminDeps } from '../deps.ts';
import { refusalProblem } from '../holds/refusal.ts';
import { AdminProblem, invalidMember } from '../api/problems.ts';
import { moment, name, pageOf, problemResponses, time, writeHeaders } from '../api/schemas.ts';
import { iso } from '../../gateway/domain/time.ts';

const body = z.strictObject({
  to: name.describe('The reviewer who decides for you.'),
  since: moment.optional().describe('Defaults to now.'),
  until: moment,
});
const params = z.object({ id: z.string().max(100).describe('Such as dlg_0193e0f7….') });

const shown = z.object({
  delegation_id: z.string(),
  from: z.string(),
  to: z.string(),
  since: time,
  until: time,
  created_at: time,
});

type Deps = Pick<AdminDeps, 'delegations' | 'people' | 'clock'>;

/** Delegations: a reviewer decides for another during a period. */
export function delegationRoutes({ delegations, people, clock }: Deps): FastifyPluginAsyncZod {
  return async (app) => {
    app.get(
      '/delegations',
      {
        schema: {
          summary: 'Current and future delegations',
          response: { 200: pageOf(shown), ...problemResponses(401, 503) },
        },
      },
      async () => ({ items: (await delegations.list(clock())).map(show), next: null }),
    );

    app.post(
      '/delegations',
      {
        schema: {
          summary: 'Lets another reviewer decide for you during a period',
          headers: writeHeaders,
          body,
          response: { 201: shown, ...problemResponses(400, 401, 403, 413, 415, 422, 503) },
        },
      },
      async (request, reply) => {
        const from = reviewerWithRole(request, 'reviewer').id;
        const { to, since = clock(), until } = request.body;
        const deputy = people().find(({ id }) => id === to);
        if (!deputy) throw invalidMember('body', '/to', `there is no reviewer ${to}; name a configured reviewer.`);
        if (!deputy.roles.includes('reviewer'))
          throw invalidMember('body', '/to', `${to} does not have the role reviewer.`);
        const added = await delegations.add({ from, to, since, until }, request.headers['holdpoint-channel']);
        if ('refused' in added) throw refusalProblem(added);
        return await reply.code(201).send(show(added));
      },
    );

    app.delete(
      '/delegations/:id',
      {
        schema: {
          summary: 'Ends a delegation. Delegators end their own, operators any',
          params,
          headers: writeHeaders,
          response: { 200: shown, ...problemResponses(401, 403, 404, 503) },
        },
      },
      async (request) => {
        const by = reviewerOf(request);
        const found = (await delegations.list(clock())).find(({ id }) => id === request.params.id);
        if (!found) throw unknown();
        if (found.from !== by.id && !by.roles.includes('operator')) {
          const detail = `Only the delegator ${found.from} or an operator may end this delegation.`;
          throw new AdminProblem('not-permitted', { detail });
        }
        const ended = await delegations.end(found.id, by.id, request.headers['holdpoint-channel']);
        if (!ended) throw unknown();
        return show(ended);
      },
    );
  };
}

const unknown = () => new AdminProblem('not-found', { detail: 'There is no such delegation, or it has ended.' });

function show({ id, from, to, since, until, createdAt }: Delegation): z.output<typeof shown> {
  return { delegation_id: id, from, to, since: iso(since), until: iso(until), created_at: iso(createdAt) };
}
