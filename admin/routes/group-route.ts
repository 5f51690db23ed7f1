import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import type { AdminDeps } from '../deps.ts';
import { groupsWithReviewers } from '../holds/groups.ts';
import { group, pageOf, problemResponses } from '../api/schemas.ts';

/** To whom a hold can be escalated: the groups of the configuration. */
export function groupRoute({ people }: Pick<AdminDeps, 'people'>): FastifyPluginAsyncZod {
  return async (app) => {
    app.get(
      '/groups',
      {
        schema: {
          summary: 'The groups with reviewers, by name: a hold can be escalated to these',
          response: { 200: pageOf(group), ...problemResponses(401) },
        },
      },
      async () => {
        const items = [...groupsWithReviewers(people())].map(([name, reviewers]) => ({ group: name, reviewers }));
        return { items, next: null };
      },
    );
  };
}
