import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { NOTIFICATION_STATES, type Notification } from '../../gateway/domain/notification.ts';
import { reviewerWithRole } from '../authenticate.ts';
import type { AdminDeps } from '../deps.ts';
import { AdminProblem } from '../api/problems.ts';
import { cursor, limit, noBody, pageOf, problemResponses, time, writeHeaders } from '../api/schemas.ts';
import { iso } from '../../gateway/domain/time.ts';

const query = z.strictObject({
  state: z.enum(['dead']).default('dead').describe('Undeliverable ones.'),
  cursor,
  limit,
});
const params = z.object({ id: z.string().max(100).describe('Such as ntc_0193e0f7….') });

const shown = z.object({
  notice_id: z.string(),
  kind: z.string(),
  hold_id: z.string().nullable(),
  channel: z.string().describe('The configured channel.'),
  to: z.string().nullable(),
  state: z.enum(NOTIFICATION_STATES),
  created_at: time,
  attempts: z.number().int(),
  error: z.string().nullable().describe('Why the last attempt failed.'),
});

/** Undeliverable notifications, for operators. */
export function notificationRoutes({ notifications }: Pick<AdminDeps, 'notifications'>): FastifyPluginAsyncZod {
  return async (app) => {
    app.get(
      '/notices',
      {
        schema: {
          summary: 'Undeliverable notifications, newest first. For operators',
          querystring: query,
          response: { 200: pageOf(shown), ...problemResponses(401, 403, 422, 503) },
        },
      },
      async (request) => {
        reviewerWithRole(request, 'operator');
        const { cursor, limit } = request.query;
        const { items, next } = await notifications.dead({ limit, ...(cursor && { cursor }) });
        return { items: items.map(show), next };
      },
    );

    app.post(
      '/notices/:id/resend',
      {
        schema: {
          summary: 'Retries an undeliverable notification. For operators',
          params,
          headers: writeHeaders,
          body: noBody,
          response: { 200: shown, ...problemResponses(400, 401, 403, 404, 413, 415, 422, 503) },
        },
      },
      async (request) => {
        reviewerWithRole(request, 'operator');
        const notification = await notifications.resend(request.params.id);
        if (!notification)
          throw new AdminProblem('not-found', { detail: 'There is no such undeliverable notification.' });
        return show(notification);
      },
    );
  };
}

function show({
  id,
  kind,
  holdId,
  channel,
  to,
  state,
  createdAt,
  attempts,
  error,
}: Notification): z.output<typeof shown> {
  return { notice_id: id, kind, hold_id: holdId, channel, to, state, created_at: iso(createdAt), attempts, error };
}
