import { z } from 'zod';
import { section } from './section.ts';
import { duration, file } from './values.ts';

const clickhouseUrl = z.url({ protocol: /^https?$/, error: 'expected an http or https URL' }).refine(
  (text) => {
    // Addresses are named when a server does not answer, and a user in one would override the keys here.
    const { username, password, search, hash } = URL.parse(text) ?? {};
    return !username && !password && !search && !hash;
  },
  { error: 'expected a URL without user, query or fragment: `username` and `password` have keys of their own' },
);
export const clickhouse = section({
  url: z
    .union([clickhouseUrl, z.array(clickhouseUrl).min(1)], {
      error: 'expected an http or https URL, or a list of those',
    })
    .meta({ title: 'URL or list of URLs' })
    .describe('HTTP interface of the server. Servers in a list hold the same data; the gateway uses one that answers.'),
  username: z.string().default('default').describe('User of the server.'),
  password: z.string().default('').describe('Password of that user.'),
  tls: section({
    ca: file.describe('CA bundle that signed the server certificate, in PEM.'),
    cert: file.optional().describe('Client certificate in PEM; needs `key`.'),
    key: file.optional().describe('Key of the client certificate in PEM; needs `cert`.'),
  })
    .refine(({ cert, key }) => (cert === undefined) === (key === undefined), 'expected cert and key together')
    .optional(),
  compression: z.boolean().default(false).describe('Compress requests and responses.'),
  cluster: z
    .string()
    .regex(/^[\w.-]+$/, 'expected the name of a cluster: letters, digits, "_", "-" and "."')
    .optional()
    .describe(
      "The cluster's name in the servers' configuration. Tables are then replicated, and sharded by agent. Not yet tested on a real cluster.",
    ),
})
  .optional()
  .describe('A ClickHouse server to use. Without this section the embedded engine stores the events, under `data`.');

const DAY = 86_400_000;
/**
 * Null: for ever. A period shorter than a day would be a mistake that cannot be undone. ClickHouse counts seconds up to
 * 2106: a period that reaches further wraps around, and every row would be deleted at once.
 */
const KEEP = 'expected a duration from a day to 50 years (18250d), such as 400d, or forever';
const keep = z
  .union(
    [z.literal('forever').transform(() => null), duration.refine((ms) => ms >= DAY && ms <= 18_250 * DAY, KEEP)],
    KEEP,
  )
  .meta({ title: 'duration or `forever`' });

export const retention = section({
  events: keep.prefault('400d').describe('Events, one row per step.'),
  calls: keep.prefault('800d').describe('Calls, one row per call.'),
  holds: keep.prefault('800d').describe('Holds, one row per hold.'),
  minutes: keep.prefault('1600d').describe('Sums per minute, for dashboards.'),
})
  .prefault({})
  .describe(
    'How long ClickHouse keeps rows: from one day to 50 years (`18250d`), or `forever`. ClickHouse deletes a month of rows at a time, once all of them are too old. Use the same values for all gateways that share one ClickHouse.',
  );
