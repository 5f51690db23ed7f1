import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { AdminProblem } from '../api/problems.ts';
import { pageOf, problemResponses, writeHeaders } from '../api/schemas.ts';
import { personOf, sessionItem, showSession, signedIn } from '../api/session-schemas.ts';
import { callerOf } from '../authenticate.ts';
import type { AdminDeps } from '../deps.ts';
import { dropSession } from './cookie.ts';

const params = z.object({ id: z.string().max(100).describe('Such as sess_0193e0f7….') });
const nothing = z.void().describe('Done');

type Deps = Pick<AdminDeps, 'sessions' | 'tokenHashes' | 'delegations'>;

/** Who is signed in, and where. Reviewers see and end their own sessions, operators all. */
export function sessionRoutes({ sessions, tokenHashes, delegations }: Deps): FastifyPluginAsyncZod {
  return async (app) => {
    app.get(
      '/session',
      {
        schema: {
          summary: 'The person who is signed in',
          response: { 200: signedIn, ...problemResponses(401, 503) },
        },
      },
      async (request) => {
        const { reviewer, session } = callerOf(request);
        return personOf({ reviewer: await delegations.standIn(reviewer), session });
      },
    );

    app.delete(
      '/session',
      {
        schema: {
          summary: 'Signs out: ends the session of the request',
          headers: writeHeaders,
          response: { 204: nothing, ...problemResponses(401, 403, 503) },
        },
      },
      async (request, reply) => {
        const { reviewer, session } = callerOf(request);
        if (session) await sessions.end(session.id, reviewer.id, request.headers['holdpoint-channel']);
        dropSession(reply);
        return await reply.code(204).send();
      },
    );

    app.get(
      '/sessions',
      {
        schema: {
          summary: 'Own sessions, newest first; for operators, all',
          response: { 200: pageOf(sessionItem), ...problemResponses(401, 503) },
        },
      },
      async (request) => {
        const { reviewer, session } = callerOf(request);
        const found = await sessions.list(reviewer.roles.includes('operator') ? undefined : reviewer.id);
        // Those of a token that has just left the configuration are about to be ended.
        const lasting = found.filter((one) => tokenHashes(one.reviewer).includes(one.tokenHash));
        return { items: lasting.map((one) => showSession(one, session)), next: null };
      },
    );

    app.delete(
      '/sessions/:id',
      {
        schema: {
          summary: 'Ends a session: its browser is signed out. Reviewers end their own, operators any',
          params,
          headers: writeHeaders,
          response: { 204: nothing, ...problemResponses(401, 403, 404, 503) },
        },
      },
      async (request, reply) => {
        const { reviewer } = callerOf(request);
        const { id } = request.params;
        const found = await sessions.list(reviewer.roles.includes('operator') ? undefined : reviewer.id);
        const isKnown = found.some((one) => one.id === id);
        if (!isKnown || !(await sessions.end(id, reviewer.id, request.headers['holdpoint-channel']))) {
          throw new AdminProblem('not-found', { detail: 'There is no such session, or it has ended.' });
        }
        return await reply.code(204).send();
      },
    );
  };
}
