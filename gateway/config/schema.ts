import { hostname } from 'node:os';
import { z } from 'zod';
import { size } from '../domain/units.ts';
import { address, formatAddress, type Address } from './address.ts';
import { clickhouse, retention } from './clickhouse.ts';
import { notify } from './notify.ts';
import { agent, reviewer } from './people.ts';
import { section } from './section.ts';
import { system } from './system.ts';
import { name } from './values.ts';

/** The whole of `holdpoint.yaml`, each key with what it means. */
export const schema = section({
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
  retention,
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
