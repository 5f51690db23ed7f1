import { readFileSync } from 'node:fs';
import { availableParallelism, homedir, hostname } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { distance } from 'fastest-levenshtein';
import { Webhook } from 'standardwebhooks';
import { isMap, isScalar, isSeq, LineCounter, parse as parseYaml, parseDocument, type Document } from 'yaml';
import { z } from 'zod';
import { NOTICE_KINDS } from './domain/notice.ts';
import { costAmount, costUnit } from './domain/cost.ts';
import type { CostEntry, System } from './domain/system.ts';
import { duration, size } from './domain/units.ts';

/**
 * An object that knows its keys: an unknown one is an error that names the nearest known key, because a silently
 * ignored `body_limt` is a limit that nobody enforces.
 */
function section<Shape extends z.ZodRawShape>(shape: Shape) {
  const known = Object.keys(shape);
  return z.strictObject(shape, {
    error: (issue) => {
      if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => unknownKey(key, known)).join('; ');
      if (issue.code === 'invalid_type') return `expected a mapping with ${known.join(', ')}`;
      return undefined;
    },
  });
}

function unknownKey(key: string, known: readonly string[]): string {
  const nearest = known.toSorted((a, b) => distance(key, a) - distance(key, b))[0];
  const close = nearest !== undefined && distance(key, nearest) <= Math.max(2, key.length / 3);
  return `unknown key "${key}"${close ? `; did you mean "${nearest}"?` : `; known here: ${known.join(', ')}`}`;
}

const name = z.string().regex(/^[a-z0-9][a-z0-9_-]*$/, 'expected lowercase letters, digits, "-" and "_"');
const headerName = z
  .string()
  .regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/, 'expected an HTTP header name')
  .transform((header) => header.toLowerCase());
const headerValue = z.string().regex(/^[\t\x20-\x7e\x80-\xff]+$/, 'expected a header value on one line');
const tokenHash = z
  .string()
  .regex(/^[0-9a-f]{64}$/, 'expected the lowercase hex SHA-256 of the token; `npm start token` prints one');
const httpStatus = z.number().int().min(200).max(599);
const person = z.string().min(1, 'expected a person, such as ana@example.com');

const address = z.string().transform((text, ctx) => {
  const match = /^(\[[0-9a-fA-F:]+\]|[^:\s]*):(\d{1,5})$/.exec(text);
  const port = Number(match?.[2]);
  if (!match || port > 65_535) {
    ctx.issues.push({ code: 'custom', message: 'expected host:port, such as 127.0.0.1:8080', input: text });
    return z.NEVER;
  }
  return { host: match[1]!.replace(/^\[|\]$/g, '') || '0.0.0.0', port };
});

const upstreamUrl = z.string().transform((text, ctx) => {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (!url || !['http:', 'https:'].includes(url.protocol) || url.search || url.hash || url.username) {
    const message =
      'expected an http or https URL without query, fragment or user, such as https://api.example.com/base';
    ctx.issues.push({ code: 'custom', message, input: text });
    return z.NEVER;
  }
  return url;
});

const COST_SOURCES = 'expected one of answer, header and amount';
const cost = section({
  operations: z.array(z.string().min(1)).min(1).optional(),
  unit: costUnit,
  answer: z
    .string()
    .regex(/^(?:\/(?:[^~]|~[01])*)+$/, 'expected a JSON pointer, such as /usage/total_tokens')
    .optional(),
  header: headerName.optional(),
  /** Of one of what the answer counts. */
  price: costAmount.optional(),
  amount: costAmount.optional(),
}).transform(({ operations, unit, answer, header, price, amount }, ctx): CostEntry => {
  const of = { ...(operations && { operations }), unit };
  if ([answer, header, amount].filter((each) => each !== undefined).length !== 1) {
    ctx.issues.push({ code: 'custom', message: COST_SOURCES, input: null });
    return z.NEVER;
  }
  if (amount === undefined)
    return { ...of, from: answer === undefined ? { header: header! } : { answer }, price: price ?? 1 };
  if (price === undefined) return { ...of, amount };
  ctx.issues.push({ code: 'custom', path: ['price'], message: 'expected only with answer or header', input: price });
  return z.NEVER;
});

const system = section({
  upstream: upstreamUrl,
  hosts: z.array(z.string().transform((host) => host.toLowerCase())).default([]),
  listen: address.optional(),
  openapi: z.string().optional(),
  credential: section({ header: headerName, value: headerValue }).optional(),
  agent_credential: section({ header: headerName }).default({ header: 'x-api-key' }),
  wait: duration.default(50_000),
  body_limit: size.default(2 ** 20),
  timeout: duration.default(60_000),
  connections: z.number().int().min(1).max(10_000).default(256),
  idempotent: z.boolean().default(false),
  read_back: section({
    path: z.string().regex(/^\/[\x21-\x7e]*$/, 'expected a path such as /v1/requests/{idempotency_key}'),
    executed: z.array(httpStatus).default([200]),
    not_executed: z.array(httpStatus).default([404]),
  }).optional(),
  costs: z.array(cost).optional(),
});

const agent = section({
  id: z.string().min(1),
  owner: person,
  token_sha256: tokenHash,
  roles: z.array(z.string()).default([]),
  systems: z.array(z.string()),
});

const reviewer = section({
  id: person,
  token_sha256: tokenHash,
  groups: z.array(z.string()).default([]),
  roles: z.array(z.enum(['reviewer', 'operator', 'analyst'])).default(['reviewer']),
});

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

const notify = section({
  console: upstreamUrl.optional(),
  webhooks: z.record(name, section({ ...place, secret: webhookSecret, events: forPrograms })).default({}),
  slack: z.record(name, section({ ...place, events: forPeople })).default({}),
  email: section({ url: smtpUrl, from: mailbox, events: forPeople }).optional(),
});

/** A ClickHouse server; or several that hold the same data, of which one that answers is used. */
const clickhouseUrl = z.url({ protocol: /^https?$/, error: 'expected an http or https URL' }).refine(
  (text) => {
    // Addresses are told when a server does not answer; and what else they carried would win over the keys here.
    const { username, password, search, hash } = URL.parse(text) ?? {};
    return !username && !password && !search && !hash;
  },
  { error: 'expected a URL without user, query or fragment: `username` and `password` have keys of their own' },
);
const clickhouse = section({
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

const schema = section({
  listen: section({
    agents: address.default({ host: '127.0.0.1', port: 8080 }),
    admin: address.default({ host: '127.0.0.1', port: 8081 }),
    /** Where analysts query the embedded ClickHouse. */
    clickhouse: address.optional(),
  }).prefault({}),
  /** Name of this gateway in the record; the machine's host name by default. */
  node: z.string().min(1).default(hostname()),
  data: z.string().default('./data'),
  /** Where holds live, for several gateways at once; a file in `data` by default. */
  store: z
    .url({ protocol: /^postgres(ql)?$/, error: 'expected a URL such as postgres://user:password@host:5432/holdpoint' })
    .optional(),
  /** Encrypts held calls and answers; one of its own in `data` by default. Gateways with one `store` need the same. */
  store_key: z
    .string()
    .regex(/^[0-9a-f]{64}$/, 'expected 64 lowercase hex digits, as `openssl rand -hex 32` prints them')
    .transform((hex) => Buffer.from(hex, 'hex'))
    .optional(),
  clickhouse: clickhouse.optional(),
  /** How long rows are kept. Gateways with one ClickHouse need the same. */
  retention: section({
    events: keep.default(400 * DAY),
    calls: keep.default(800 * DAY),
    holds: keep.default(800 * DAY),
    minutes: keep.default(1600 * DAY),
  }).prefault({}),
  policies: z.string().default('./policies'),
  /**
   * Bytes of events that each process may keep on disk until ClickHouse has them; and what happens beyond that: calls are
   * refused, or allowed calls with a safe method go through unrecorded and are counted.
   */
  journal: section({
    limit: size.default(2 ** 30),
    when_full: z.enum(['refuse', 'drop-reads'], { error: 'expected refuse or drop-reads' }).default('refuse'),
  }).prefault({}),
  workers: z
    .union([z.literal('auto'), z.number().int().min(1).max(256)], { error: 'expected auto or a number from 1 to 256' })
    .default('auto'),
  log: z.enum(['debug', 'info', 'warn', 'error']).default('info'),
  systems: z.record(
    name.refine((text) => text !== 'all', 'expected another name; the rules of every system are in rules.all'),
    system,
  ),
  agents: z.array(agent).default([]),
  reviewers: z.array(reviewer).default([]),
  notify: notify.prefault({}),
}).superRefine((config, ctx) => {
  const report = (path: (string | number)[], message: string) => ctx.addIssue({ code: 'custom', path, message });
  const once = (what: string) => {
    const seen = new Map<string, string>();
    return (key: string, path: (string | number)[]) => {
      const first = seen.get(key);
      if (first) report(path, `expected ${what} of its own; ${first} has the same`);
      else seen.set(key, path.join('.'));
    };
  };
  if (config.listen.clickhouse && config.clickhouse) {
    report(['listen', 'clickhouse'], 'expected only without `clickhouse`: analysts connect to that server themselves');
  }
  const systems = Object.keys(config.systems);
  const token = once('a token');
  const agentId = once('an id');
  config.agents.forEach((agent, i) => {
    agentId(agent.id, ['agents', i, 'id']);
    token(agent.token_sha256, ['agents', i, 'token_sha256']);
    agent.systems.forEach((granted, j) => {
      if (!systems.includes(granted))
        report(['agents', i, 'systems', j], `expected one of the systems: ${systems.join(', ')}`);
    });
  });
  const reviewerId = once('an id');
  config.reviewers.forEach((reviewer, i) => {
    reviewerId(reviewer.id, ['reviewers', i, 'id']);
    token(reviewer.token_sha256, ['reviewers', i, 'token_sha256']);
  });
  const host = once('a host');
  const listen = once('an address');
  const addresses: [Address | undefined, string[]][] = [
    [config.listen.agents, ['listen', 'agents']],
    [config.listen.admin, ['listen', 'admin']],
    [config.listen.clickhouse, ['listen', 'clickhouse']],
  ];
  for (const [name, system] of Object.entries(config.systems)) {
    system.hosts.forEach((value, i) => host(value, ['systems', name, 'hosts', i]));
    addresses.push([system.listen, ['systems', name, 'listen']]);
  }
  for (const [address, path] of addresses) {
    if (address && address.port !== 0) listen(formatAddress(address), path);
  }
});

export type Address = { readonly host: string; readonly port: number };

/** Somebody who calls, as configured. */
export type AgentConfig = z.output<typeof agent>;
/** Somebody who decides, as configured. */
export type ReviewerConfig = z.output<typeof reviewer>;

/** The whole configuration, resolved: paths absolute, durations in milliseconds, sizes in bytes. */
export type Config = Omit<z.output<typeof schema>, 'systems' | 'workers'> & {
  readonly file: string;
  readonly workers: number;
  readonly systems: readonly (System & { readonly address: Address | null })[];
};

/** What is wrong with a configuration, every problem at once; `message` is for people and needs no stack. */
export class ConfigError extends Error {
  readonly problems: readonly string[];
  constructor(file: string, problems: readonly string[]) {
    super(`${file} cannot be used:\n${problems.map((problem) => `  ${problem}`).join('\n')}`);
    this.name = 'ConfigError';
    this.problems = problems;
  }
}

export function formatAddress({ host, port }: Address): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** What finding and building tools such as `opa` needs of the environment, and where what was built is kept. */
export function toolEnvironment(env: NodeJS.ProcessEnv = process.env): {
  readonly env: NodeJS.ProcessEnv;
  readonly cacheDir: string;
} {
  return { env, cacheDir: join(env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'holdpoint') };
}

/** What the gateway's processes get: the environment, and where Node keeps compiled code, which halves their start. */
export function processEnvironment(compiled: string, env: NodeJS.ProcessEnv = process.env): NodeJS.ProcessEnv {
  return { NODE_COMPILE_CACHE: compiled, ...env };
}

/** The token of the person at the command line; null when there is none. */
export function reviewerToken(env: NodeJS.ProcessEnv = process.env): string | null {
  return env['HOLDPOINT_TOKEN']?.trim() || null;
}

/** The text of a configuration file. @throws ConfigError when it cannot be read */
export function readConfigText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new ConfigError(file, [
      `it cannot be read (${(error as NodeJS.ErrnoException).code}); name it with --config FILE`,
    ]);
  }
}

/**
 * Reads the text of a `holdpoint.yaml`. Relative paths in it are relative to `file`. `${NAME}` in a string takes the
 * value from `env`; `$${` stands for a literal `${`.
 * @throws ConfigError that lists every problem with its line, path and what was expected
 */
export function parseConfig(text: string, file: string, env: NodeJS.ProcessEnv = process.env): Config {
  const path = resolve(file);
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: true });
  if (document.errors.length > 0)
    throw new ConfigError(
      file,
      document.errors.map((error) => error.message.trimEnd()),
    );

  const found = new Map<string, string>();
  const at = (issuePath: readonly PropertyKey[], message: string) => {
    const where = issuePath.map(String).join('.') || 'the file';
    const line = lineOf(document, lines, issuePath);
    // The first problem of a place explains the others: an unset variable is also a bad value.
    if (!found.has(where)) found.set(where, `${line ? `line ${line}: ` : ''}${where}: ${message}`);
  };
  const failOnProblems = () => {
    if (found.size > 0) throw new ConfigError(file, [...found.values()]);
  };

  const expanded = expandVariables(document.toJS() ?? {}, env, [], at);
  const parsed = schema.safeParse(expanded, {
    error: (issue) =>
      issue.code === 'invalid_type' && issue.input === undefined ? `missing; expected ${issue.expected}` : undefined,
  });
  for (const issue of parsed.error?.issues ?? []) at(issue.path, issue.message);
  failOnProblems();
  if (!parsed.success) throw parsed.error;

  const { systems, workers, clickhouse: server, ...rest } = parsed.data;
  const base = dirname(path);
  const readPem = (file: 'ca' | 'cert' | 'key', name: string) =>
    readPemFile(resolve(base, name), (message) => at(['clickhouse', 'tls', file], message));
  const resolved = Object.entries(systems).map(
    ([name, { agent_credential, body_limit, listen, openapi, read_back, ...system }]) => ({
      ...withoutUndefined(system),
      name,
      agentCredential: agent_credential,
      bodyLimit: body_limit,
      address: listen ?? null,
      ...(read_back && {
        readBack: { path: read_back.path, executed: read_back.executed, notExecuted: read_back.not_executed },
      }),
      ...(listen && { listen: formatAddress(listen) }),
      ...(openapi !== undefined && {
        openapi: readOpenApi(resolve(base, openapi), (message) => at(['systems', name, 'openapi'], message)),
      }),
    }),
  );
  const tls = server?.tls && {
    ca: readPem('ca', server.tls.ca),
    ...(server.tls.cert !== undefined && { cert: readPem('cert', server.tls.cert) }),
    ...(server.tls.key !== undefined && { key: readPem('key', server.tls.key) }),
  };
  failOnProblems();
  return {
    ...rest,
    ...(server && { clickhouse: { ...server, tls } }),
    file: path,
    data: resolve(base, rest.data),
    policies: resolve(base, rest.policies),
    workers: workers === 'auto' ? availableParallelism() : workers,
    systems: resolved,
  };
}

/** Reads a `holdpoint.yaml`; see `parseConfig`. */
export function loadConfig(file: string, env: NodeJS.ProcessEnv = process.env): Config {
  return parseConfig(readConfigText(file), file, env);
}

type Report = (path: readonly PropertyKey[], message: string) => void;

function readOpenApi(path: string, report: (message: string) => void): unknown {
  try {
    const document: unknown = parseYaml(readFileSync(path, 'utf8'));
    const version = (document as { openapi?: unknown } | null)?.openapi;
    if (typeof version === 'string' && /^3\.[01]\./.test(version)) return document;
    report(`expected an OpenAPI 3.0 or 3.1 document in ${path}`);
  } catch (error) {
    report(`cannot read ${path}: ${(error as Error).message.split('\n')[0]}`);
  }
  return undefined;
}

function readPemFile(path: string, report: (message: string) => void): string {
  try {
    const text = readFileSync(path, 'utf8');
    if (!text.includes('-----BEGIN ')) report(`expected a file in PEM; ${path} is none`);
    return text;
  } catch (error) {
    report(`cannot read ${path}: ${(error as NodeJS.ErrnoException).code}`);
    return '';
  }
}

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

function expandVariables(
  value: unknown,
  env: NodeJS.ProcessEnv,
  path: readonly PropertyKey[],
  report: Report,
): unknown {
  if (typeof value === 'string') {
    return value.replace(/\$?\$\{([^}]*)\}/g, (whole, variable: string) => {
      if (whole.startsWith('$$')) return whole.slice(1);
      const found = env[variable];
      if (found === undefined || found === '') report(path, `the environment variable ${variable} is not set`);
      return found ?? 'unset';
    });
  }
  if (Array.isArray(value)) return value.map((item, i) => expandVariables(item, env, [...path, i], report));
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [key, expandVariables(item, env, [...path, key], report)]),
    );
  }
  return value;
}

/** The line of the deepest part of `path` that the file has: for a missing key, that of its section. */
function lineOf(document: Document.Parsed, lines: LineCounter, path: readonly PropertyKey[]): number | null {
  let node: unknown = document.contents;
  let offset: number | null = null;
  for (const key of path) {
    if (isMap(node)) {
      const pair = node.items.find((item) => isScalar(item.key) && String(item.key.value) === String(key));
      if (!pair) break;
      offset = (pair.key as { range?: readonly number[] }).range?.[0] ?? offset;
      node = pair.value;
    } else if (isSeq(node)) {
      const item = node.items[Number(key)] as { range?: readonly number[] } | undefined;
      if (!item) break;
      offset = item.range?.[0] ?? offset;
      node = item;
    } else break;
  }
  return offset === null ? null : lines.linePos(offset).line;
}

function withoutUndefined<T extends object>(object: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as never;
}
