import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { NOTIFICATION_STATES, type Notification } from '../../gateway/domain/notification.ts';
import { reviewerWithRole } from '../authenticate.ts';
import type { AdminDeps } from '../deps.ts';
import { AdminProblem } from '../api/problems.ts';
import { cursor, limit, noBody, pageOf, problemResponses, time, writeHeaders } from '../api/schemas.ts';
import { iso, isoOrNull } from '../../gateway/domain/time.ts';
import { maskText } from '../../gateway/secrets/secret.ts';

const query = z.strictObject({
  state: z
    .enum(NOTIFICATION_STATES)
    .optional()
    .describe(
      'Only these. `gathered`: waits for a digest; `dropped`: nobody needed it; `dead`: could not be delivered.',
    ),
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
  next_at: time.nullable().describe('When it is tried next. Null: not any more.'),
});
export type Delivery = z.output<typeof shown>;

/** What people and programs are told, and whether it arrived, for operators. What a message says stays in the store. */
export function notificationRoutes({ notifications }: Pick<AdminDeps, 'notifications'>): FastifyPluginAsyncZod {
  return async (app) => {
    app.get(
      '/notices',
      {
        schema: {
          summary: 'Notifications and what became of them, newest first. For operators',
          querystring: query,
          response: { 200: pageOf(shown), ...problemResponses(401, 403, 422, 503) },
        },
      },
      async (request) => {
        reviewerWithRole(request, 'operator');
        const { state, cursor, limit } = request.query;
        const { items, next } = await notifications.list({ limit, ...(state && { state }), ...(cursor && { cursor }) });
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

function show(notification: Notification): Delivery {
  const { id, kind, holdId, channel, to, state, createdAt, attempts, error, nextAt } = notification;
  return {
    notice_id: id,
    kind,
    hold_id: holdId,
    channel,
    to,
    state,
    created_at: iso(createdAt),
    attempts,
    // Errors are written without addresses and answers. Should one have a secret all the same, it ends here.
    error: error === null ? null : maskText(error),
    next_at: isoOrNull(nextAt),
  };
}
