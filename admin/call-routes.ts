import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import type { CallLog } from '../gateway/domain/call-log.ts';
import { AdminProblem } from './problems.ts';
import * as schemas from './schemas.ts';

/** The record's recent calls. */
export function callRoutes(calls: CallLog): FastifyPluginAsyncZod {
  return async (app) => {
    app.get(
      '/calls',
      {
        schema: {
          summary: 'Recent calls, newest first',
          querystring: schemas.callQuery,
          response: { 200: schemas.pageOf(schemas.call), ...schemas.problemResponses(401, 422, 503) },
        },
      },
      async ({ query }) => {
        const { agent, system, verdict, cursor, limit } = query;
        const filter = { ...(agent && { agent }), ...(system && { system }), ...(verdict && { verdict }) };
        try {
          const { items, next } = await calls.recent({ limit, ...filter, ...(cursor && { cursor }) });
          return { items: items.map((call) => ({ ...call, rules: [...call.rules] })), next };
        } catch (cause) {
          throw new AdminProblem('record-unavailable', { cause });
        }
      },
    );
  };
}
