import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Preferences as Kept } from '../../gateway/domain/preferences.ts';
import { reviewerOf } from '../authenticate.ts';
import type { AdminDeps } from '../deps.ts';
import { problemResponses, writeHeaders } from '../api/schemas.ts';

const timeOfDay = z.string().regex(/^(?:[01]\d|2[0-3]):[0-5]\d$/, 'expected a time of day, such as 22:00');
const timeZone = z
  .string()
  .max(100)
  .refine(isTimeZone, 'expected the IANA name of a time zone, such as Europe/Berlin')
  .describe('IANA name, such as Europe/Berlin.');

const preferences = z.strictObject({
  quiet_hours: z
    .strictObject({ from: timeOfDay, to: timeOfDay, time_zone: timeZone })
    .refine(({ from, to }) => from !== to, 'expected two different times')
    .nullable()
    .describe('In these hours of each day, mail that can wait does. It comes at their end, in one mail.'),
  digest: z
    .enum(['hourly', 'daily'])
    .nullable()
    .describe('What does not press comes in one mail; daily at the end of the quiet hours, or at 08:00 UTC.'),
  mail: z
    .enum(['always', 'if-unanswered', 'never'])
    .describe('`if-unanswered`: not if somebody reacts to a chat message about the same within 15 s.'),
});

export type Preferences = z.output<typeof preferences>;

/** How the person who asks wants to be told. */
export function preferenceRoutes({ preferences: store }: Pick<AdminDeps, 'preferences'>): FastifyPluginAsyncZod {
  return async (app) => {
    app.get(
      '/me/preferences',
      {
        schema: {
          summary: 'When and how mail reaches you',
          response: { 200: preferences, ...problemResponses(401, 503) },
        },
      },
      async (request) => show(await store.of(reviewerOf(request).id)),
    );

    app.put(
      '/me/preferences',
      {
        schema: {
          summary: 'Changes when and how mail reaches you',
          headers: writeHeaders,
          body: preferences,
          response: { 200: preferences, ...problemResponses(400, 401, 413, 415, 422, 503) },
        },
      },
      async (request) => {
        const { quiet_hours, digest, mail } = request.body;
        const quietHours = quiet_hours && {
          from: quiet_hours.from,
          to: quiet_hours.to,
          timeZone: quiet_hours.time_zone,
        };
        const wishes = { quietHours, digest, mail };
        return show(await store.set(reviewerOf(request).id, wishes, request.headers['holdpoint-channel']));
      },
    );
  };
}

function show({ quietHours, digest, mail }: Kept): z.output<typeof preferences> {
  return {
    quiet_hours: quietHours && { from: quietHours.from, to: quietHours.to, time_zone: quietHours.timeZone },
    digest,
    mail,
  };
}

/** Offsets such as `+01:00` are time zones to the runtime, but know no summer time. */
function isTimeZone(name: string): boolean {
  if (!/^[A-Za-z]/.test(name)) return false;
  try {
    Temporal.Now.zonedDateTimeISO(name);
    return true;
  } catch {
    return false;
  }
}
