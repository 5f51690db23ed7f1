import { hostname } from 'node:os';
import { z } from 'zod';
import { address, formatAddress, type Address } from './address.ts';
import { clickhouse, retention } from './clickhouse.ts';
import { notify } from './notify.ts';
import { agent, reviewer } from './people.ts';
import { section } from './section.ts';
import { system } from './system.ts';
import { folder, headSize, name, size, upstreamUrl } from './values.ts';

/** All of `holdpoint.yaml`. The descriptions become `gateway/config/README.md`. */
export const schema = section({
  listen: section({
    agents: address.prefault('127.0.0.1:8080').describe('Where agents connect.'),
    admin: address.prefault('127.0.0.1:8081').describe('Where reviewers, operators and monitoring connect.'),
    clickhouse: address
      .optional()
      .describe(
        'Where analysts [query the embedded ClickHouse](../../audit/analysts/README.md). Not with `clickhouse`: analysts then connect to that server.',
      ),
  })
    .prefault({})
    .describe('Addresses that the gateway listens on.'),
  public_url: upstreamUrl
    .optional()
    .describe(
      'URL at which agents reach `listen.agents`, if a proxy in front ends TLS, changes `Host` or adds a path, which it removes again. Links in answers and the `Location` of holds begin with it. Without it, they begin with `http://` and the `Host` of the call; `X-Forwarded-*` is never read.',
    ),
  node: z
    .string()
    .min(1)
    .default(hostname())
    .describe('Name of this gateway in events.')
    .meta({ defaultText: 'host name' }),
  data: folder
    .default('./data')
    .describe('Holds, journal, embedded ClickHouse and keys. Only one gateway at a time can use it.'),
  store: z
    .url({ protocol: /^postgres(ql)?$/, error: 'expected a URL such as postgres://user:password@host:5432/holdpoint' })
    .optional()
    .describe(
      'PostgreSQL database (`postgres://…`) for holds, shared by several gateways. By default, SQLite in `data`.',
    ),
  store_key: z
    .string()
    .regex(/^[0-9a-f]{64}$/, 'expected 64 lowercase hex digits, as `openssl rand -hex 32` prints them')
    .transform((hex) => Buffer.from(hex, 'hex'))
    .optional()
    .meta({ title: '64 hex digits' })
    .describe(
      'Key that encrypts held calls and responses. By default, generated in `data`. Gateways that share a `store` need the same key; `openssl rand -hex 32` prints one.',
    ),
  policies: folder
    .default('./policies')
    .describe(
      'Folder of [Rego policies](../../policies/README.md). The gateway watches it and loads every valid change.',
    ),
  head_limit: headSize
    .prefault('64KiB')
    .describe('Largest request line and headers of a call; larger ones get 431, and so do more than 1000 headers.'),
  workers: z
    .union([z.literal('auto'), z.number().int().min(1).max(256)], { error: 'expected auto or a number from 1 to 256' })
    .default('auto')
    .meta({ title: '`auto` or 1 to 256' })
    .describe('Number of processes that serve calls; `auto` is one per core.'),
  log: z.enum(['debug', 'info', 'warn', 'error']).default('info').describe('Lowest level that is logged.'),
  systems: z
    .record(
      name
        .refine((text) => text !== 'all', 'expected another name: the rules of every system are in rules.all')
        .refine((text) => text !== 'holdpoint', 'expected another name: holdpoint is that of its own rules'),
      system,
    )
    .describe(
      'The APIs that agents call, by name: lowercase letters, digits, `-` and `_`; not `all` or `holdpoint`. The name is the first path segment of a call.',
    ),
  agents: z.array(agent).default([]).describe('The agents that may call.'),
  reviewers: z.array(reviewer).default([]).describe('The people who decide, operate and analyse.'),
  stop: section({
    lifted_by: z
      .union([z.literal(1), z.literal(2)], { error: 'expected 1 or 2' })
      .default(1)
      .describe('How many different operators it takes to lift a stop of everything. Stopping takes one.'),
  })
    .prefault({})
    .describe('The [stop of everything](../../admin/README.md#stopping-everything).'),
  notify,
  journal: section({
    limit: size.prefault('1GiB').describe('Bytes of events that each process keeps on disk until ClickHouse has them.'),
    when_full: z
      .enum(['refuse', 'drop-reads'], { error: 'expected refuse or drop-reads' })
      .default('refuse')
      .describe(
        'When the journal or the disk is full: `refuse` refuses every call; `drop-reads` forwards allowed calls with a safe method without recording them, counts them, and refuses the others.',
      ),
  })
    .prefault({})
    .describe('Events on local disk, before ClickHouse has them.'),
  clickhouse,
  retention,
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
  const tokens = (hashes: string | readonly string[], path: (string | number)[]) =>
    typeof hashes === 'string' ? token(hashes, path) : hashes.forEach((hash, i) => token(hash, [...path, i]));
  const agentId = once('an id');
  config.agents.forEach((agent, i) => {
    agentId(agent.id, ['agents', i, 'id']);
    tokens(agent.token_sha256, ['agents', i, 'token_sha256']);
    agent.systems.forEach((granted, j) => {
      if (!systems.includes(granted))
        report(['agents', i, 'systems', j], `expected one of the systems: ${systems.join(', ')}`);
    });
  });
  const reviewerId = once('an id');
  config.reviewers.forEach((reviewer, i) => {
    reviewerId(reviewer.id, ['reviewers', i, 'id']);
    tokens(reviewer.token_sha256, ['reviewers', i, 'token_sha256']);
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
