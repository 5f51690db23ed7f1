import { z } from 'zod';
import { duration } from '../domain/units.ts';
import { section } from './section.ts';

/** A ClickHouse server; or several that hold the same data, of which one that answers is used. */
const clickhouseUrl = z.url({ protocol: /^https?$/, error: 'expected an http or https URL' }).refine(
  (text) => {
    // Addresses are told when a server does not answer; and what else they carried would win over the keys here.
    const { username, password, search, hash } = URL.parse(text) ?? {};
    return !username && !password && !search && !hash;
  },
  { error: 'expected a URL without user, query or fragment: `username` and `password` have keys of their own' },
);
export const clickhouse = section({
  url: z.union([clickhouseUrl, z.array(clickhouseUrl).min(1)], {
    error: 'expected an http or https URL, or a list of those',
  }),
  username: z.string().default('default'),
  password: z.string().default(''),
  /** Files in PEM: whom to trust, and with what to identify oneself. */
  tls: section({ ca: z.string(), cert: z.string().optional(), key: z.string().optional() })
    .refine(({ cert, key }) => (cert === undefined) === (key === undefined), 'expected cert and key together')
    .optional(),
  compression: z.boolean().default(false),
  /** The name that the servers know their cluster by, where they are one. */
  cluster: z
    .string()
    .regex(/^[\w.-]+$/, 'expected the name of a cluster: letters, digits, "_", "-" and "."')
    .optional(),
});

const DAY = 86_400_000;
/**
 * Null: for ever. What is shorter than a day is a mistake that could not be made good. So is what reaches beyond 2106:
 * there ClickHouse's seconds begin anew, and it would delete every row at once.
 */
const KEEP = 'expected a duration from a day to 50 years (18250d), such as 400d, or forever';
const keep = z.union(
  [z.literal('forever').transform(() => null), duration.refine((ms) => ms >= DAY && ms <= 18_250 * DAY, KEEP)],
  KEEP,
);

/** How long rows are kept. Gateways with one ClickHouse need the same. */
export const retention = section({
  events: keep.default(400 * DAY),
  calls: keep.default(800 * DAY),
  holds: keep.default(800 * DAY),
  minutes: keep.default(1600 * DAY),
}).prefault({});
