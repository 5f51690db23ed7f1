import { Webhook } from 'standardwebhooks';
import { z } from 'zod';
import { FOLLOWING, NOTIFICATION_KINDS } from '../domain/notification.ts';
import { section } from './section.ts';
import { name, upstreamUrl } from './values.ts';

const targetUrl = z
  .string()
  .meta({ title: 'URL' })
  .refine(
    (text) => {
      const url = URL.canParse(text) ? new URL(text) : null;
      // undici would silently drop a fragment or a user.
      return url && ['http:', 'https:'].includes(url.protocol) && !url.hash && !url.username && !url.password;
    },
    { error: 'expected an http or https URL without fragment or user, such as https://hooks.example.com/holds' },
  );
const webhookSecret = z.string().meta({ title: 'secret' }).refine(isWebhookSecret, {
  error: 'expected whsec_ and 24 to 64 bytes in base64, such as `echo whsec_$(openssl rand -base64 32)` prints',
});
const smtpUrl = z.string().meta({ title: 'URL' }).refine(isSmtpUrl, {
  error:
    'expected smtp[s]://[user:password@]host[:port], with special characters of the password percent-encoded (RFC 3986)',
});
const mailbox = z
  .string()
  .regex(
    /^(?:[^<>@\p{Cc}]*<[^\s<>@\p{Cc}]+@[^\s<>@\p{Cc}]+>|[^\s<>@\p{Cc}]+@[^\s<>@\p{Cc}]+)$/u,
    'expected a mail address, such as Holdpoint <holdpoint@example.com>',
  )
  .meta({ title: 'mail address' });
const groups = z
  .array(z.string().min(1))
  .min(1)
  .optional()
  .describe('Only notifications for these groups; without it, for all.');
const EVENTS = 'Only these events; without it, all.';
const forPrograms = z.array(z.enum(NOTIFICATION_KINDS)).min(1).optional().describe(EVENTS);
/** What became of a hold is told wherever people were asked; there is no choice of that. */
const forPeople = z.array(z.enum(NOTIFICATION_KINDS).exclude(FOLLOWING)).min(1).optional().describe(EVENTS);

export const notify = section({
  console: upstreamUrl
    .optional()
    .describe(
      'URL at which people open the console, and so the base of the links and commands in messages; without it, `http://` and `listen.admin`, with the host name in place of an address such as `0.0.0.0`. Reviewers can sign in only there, or at an IP address or `localhost`.',
    ),
  webhooks: z
    .record(
      name,
      section({
        url: targetUrl.describe('Receives each notification as a signed POST.'),
        secret: webhookSecret.describe('Signs the messages: `whsec_` and 24 to 64 bytes in base64.'),
        groups,
        events: forPrograms,
      }),
    )
    .default({}),
  slack: z
    .record(
      name,
      section({
        url: targetUrl
          .optional()
          .describe(
            'Incoming webhook of Slack, or of a service that takes the same messages. With `token`, the address of the Web API; without it, `https://slack.com/api`.',
          ),
        token: z
          .string()
          .regex(/^[\x21-\x7e]+$/, 'expected a token on one line')
          .optional()
          .describe(
            "Token of a Slack app with the scope `chat:write`. Messages are then posted to `channel`, and updated once the hold is decided; a webhook's get a message that follows.",
          ),
        channel: z.string().min(1).max(100).optional().describe('Identifier or name of the channel; needs `token`.'),
        groups,
        events: forPeople,
      }).refine(
        ({ url, token, channel }) =>
          token === undefined ? url !== undefined && channel === undefined : channel !== undefined,
        'expected url, or token and channel',
      ),
    )
    .default({}),
  email: section({
    url: smtpUrl.describe(
      'The mail server: `smtp[s]://[user:password@]host[:port]`. Special characters in the password are percent-encoded.',
    ),
    from: mailbox.describe('Sender, such as `Holdpoint <holdpoint@example.com>`.'),
    events: forPeople,
  }).optional(),
})
  .prefault({})
  .describe(
    'Who is notified of holds, and how; without it, no notifications. Messages and delivery: [notifications](../holds/notify/README.md).',
  );

/** Whether the key has a size that Standard Webhooks allows. */
function isWebhookSecret(text: string): boolean {
  try {
    new Webhook(text);
  } catch {
    return false;
  }
  const bytes = Buffer.from(text.replace(/^whsec_/, ''), 'base64').length;
  return bytes >= 24 && bytes <= 64;
}

/** Whether the URL holds only server and credentials: anything else in it would be silently ignored. */
function isSmtpUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname, pathname, search, hash, username, password } = new URL(text);
  try {
    decodeURIComponent(`${username}${password}`);
  } catch {
    return false;
  }
  const bare = ['', '/'].includes(pathname) && !search && !hash && Boolean(username) === Boolean(password);
  return ['smtp:', 'smtps:'].includes(protocol) && hostname !== '' && bare;
}
