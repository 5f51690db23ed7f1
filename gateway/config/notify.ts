import { Webhook } from 'standardwebhooks';
import { z } from 'zod';
import { NOTICE_KINDS } from '../domain/notification.ts';
import { section } from './section.ts';
import { name, upstreamUrl } from './values.ts';

/** Where people are, or programs of theirs, who are told of what happens. */
const targetUrl = z.string().refine(
  (text) => {
    const url = URL.canParse(text) ? new URL(text) : null;
    // undici sends neither a fragment nor a user: who configured one would wait for what never comes.
    return url && ['http:', 'https:'].includes(url.protocol) && !url.hash && !url.username && !url.password;
  },
  { error: 'expected an http or https URL without fragment or user, such as https://hooks.example.com/holds' },
);
const webhookSecret = z.string().refine(isWebhookSecret, {
  error: 'expected whsec_ and 24 to 64 bytes in base64, such as `echo whsec_$(openssl rand -base64 32)` prints',
});
const smtpUrl = z.string().refine(isSmtpUrl, {
  error:
    'expected smtp[s]://[user:password@]host[:port], with special characters of the password percent-encoded (RFC 3986)',
});
const mailbox = z
  .string()
  .regex(
    /^(?:[^<>@\p{Cc}]*<[^\s<>@\p{Cc}]+@[^\s<>@\p{Cc}]+>|[^\s<>@\p{Cc}]+@[^\s<>@\p{Cc}]+)$/u,
    'expected a mail address, such as Holdpoint <holdpoint@example.com>',
  );
/** Absent: of all groups, all that happens. */
const place = { url: targetUrl, groups: z.array(z.string().min(1)).min(1).optional() };
const forPrograms = z.array(z.enum(NOTICE_KINDS)).min(1).optional();
/** What was decided is for programs. */
const forPeople = z
  .array(z.enum(NOTICE_KINDS).exclude(['decided']))
  .min(1)
  .optional();

export const notify = section({
  console: upstreamUrl.optional(),
  webhooks: z.record(name, section({ ...place, secret: webhookSecret, events: forPrograms })).default({}),
  slack: z.record(name, section({ ...place, events: forPeople })).default({}),
  email: section({ url: smtpUrl, from: mailbox, events: forPeople }).optional(),
});

/** The key has the size that the Standard Webhooks ask for. */
function isWebhookSecret(text: string): boolean {
  try {
    new Webhook(text);
  } catch {
    return false;
  }
  const bytes = Buffer.from(text.replace(/^whsec_/, ''), 'base64').length;
  return bytes >= 24 && bytes <= 64;
}

/** Nothing but server and credentials: the rest of what mail programs read from such URLs would go unnoticed here. */
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
