import { readFileSync } from 'node:fs';
import { availableParallelism, homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { LineCounter, parseDocument, type Document } from 'yaml';
import type { z } from 'zod';
import { formatAddress, type Address } from './address.ts';
import { withFiles } from './credential.ts';
import { proxyOfEnvironment } from './egress-proxy.ts';
import { explainIssue } from './explain-issue.ts';
import { checkSecretFile, readOpenApi, readPem } from './files.ts';
import { lineOf } from './line-of.ts';
import { withPresets } from './preset.ts';
import { schema } from './schema.ts';
import { expandVariables } from './variables.ts';
import type { FurtherHost, System } from '../domain/system.ts';

/** The whole configuration, resolved: paths absolute, durations in milliseconds, sizes in bytes. */
export type Config = Omit<z.output<typeof schema>, 'systems' | 'workers'> & {
  readonly file: string;
  readonly workers: number;
  readonly systems: readonly (System & { readonly address: Address | null })[];
};

/** Everything wrong with a configuration at once. `message` is for people and needs no stack. */
export class ConfigError extends Error {
  readonly problems: readonly string[];
  constructor(file: string, problems: readonly string[]) {
    super(
      problems.length === 1
        ? `${file}: ${problems[0]}`
        : `${file}:\n${problems.map((problem) => `  ${problem}`).join('\n')}`,
    );
    this.name = 'ConfigError';
    this.problems = problems;
  }
}

/** The environment in which tools such as `opa` are found or built, and the folder for what was built. */
export function toolEnvironment(env: NodeJS.ProcessEnv = process.env): {
  readonly env: NodeJS.ProcessEnv;
  readonly cacheDir: string;
} {
  return { env, cacheDir: join(env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'holdpoint') };
}

/** The environment of the gateway's processes, with a folder for Node's compiled code, which speeds up their start. */
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
    const { code } = error as NodeJS.ErrnoException;
    throw new ConfigError(file, [
      `${code === 'ENOENT' ? 'no such file' : `cannot be read (${code})`}. Pass --config FILE.`,
    ]);
  }
}

/**
 * Reads the text of a `holdpoint.yaml`. Relative paths in it are relative to `file`. `${NAME}` in a string is replaced
 * by its value in `env`; `$${` stands for a literal `${`.
 * @throws ConfigError that lists every problem with its line, path and what was expected
 */
export function parseConfig(text: string, file: string, env: NodeJS.ProcessEnv = process.env): Config {
  const path = resolve(file);
  const lines = new LineCounter();
  // YAML 1.1's merge keys (`<<`), which Compose files and other tools have.
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, merge: true });
  if (document.errors.length > 0)
    throw new ConfigError(
      file,
      // Without what stands there: it may be a secret.
      document.errors.map(({ pos, message }) => `line ${lines.linePos(pos[0]).line}: ${message.replace(/: ".*/s, '')}`),
    );

  const found = new Map<string, string>();
  const at = (issuePath: readonly PropertyKey[], message: string) => {
    const where = issuePath.map(String).join('.') || 'the file';
    const line = lineOf(document, lines, issuePath);
    // The first problem at a place explains the others: an unset variable is also a bad value.
    if (!found.has(where)) found.set(where, `${line ? `line ${line}: ` : ''}${where}: ${message}`);
  };
  const failOnProblems = () => {
    if (found.size > 0) throw new ConfigError(file, [...found.values()]);
  };

  const expanded = expandVariables(withoutExtensions(readDocument(document, file)), env, [], at);
  const parsed = schema.safeParse(withPresets(expanded), { error: explainIssue });
  for (const issue of parsed.error?.issues ?? []) at(issue.path, issue.message);
  failOnProblems();
  if (!parsed.success) throw parsed.error;

  const { systems, workers, clickhouse: server, ...rest } = parsed.data;
  const base = dirname(path);
  const proxyFor = (system: string, url: URL, own: URL | undefined) =>
    own ?? proxyOfEnvironment(url, env, (message) => at(['systems', system, 'proxy'], message));
  const resolved = Object.entries(systems).map(
    ([
      name,
      {
        preset: _preset,
        agent_credential,
        answer_head_limit,
        body_limit,
        credential,
        form_fields,
        listen,
        method_override,
        openapi,
        proxy,
        public_url,
        read_back,
        tls,
        upstream_hosts,
        ...system
      },
    ]) => ({
      ...withoutUndefined(system),
      ...withoutUndefined({
        answerHeadLimit: answer_head_limit,
        methodOverride: method_override,
        proxy: proxyFor(name, system.upstream, proxy),
        publicUrl: public_url,
      }),
      ...(tls && { tls: readPem(tls, base, (key, message) => at(['systems', name, 'tls', key], message)) }),
      name,
      agentCredential: withoutUndefined(agent_credential),
      bodyLimit: body_limit,
      formFields: form_fields,
      address: listen ?? null,
      ...(upstream_hosts && {
        upstreamHosts: upstream_hosts.map(({ url, link_pass }): FurtherHost =>
          withoutUndefined({ url, proxy: proxyFor(name, url, proxy), linkPass: link_pass }),
        ),
      }),
      ...(read_back && { readBack: read_back }),
      ...(listen && { listen: formatAddress(listen) }),
      ...(credential && {
        credential: withFiles(credential, (file) =>
          checkSecretFile(resolve(base, file), (message) => at(['systems', name, 'credential'], message)),
        ),
      }),
      ...(openapi !== undefined && {
        openapi: readOpenApi(openapi, base, (message) => at(['systems', name, 'openapi'], message)),
      }),
    }),
  );
  const tls = server?.tls && readPem(server.tls, base, (key, message) => at(['clickhouse', 'tls', key], message));
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

/** @throws ConfigError for anchors that expand without a bound (the "billion laughs" attack), or aliases without anchor */
function readDocument(document: Document.Parsed, file: string): unknown {
  try {
    return document.toJS() ?? {};
  } catch (error) {
    throw new ConfigError(file, [(error as Error).message]);
  }
}

/** Leaves out top-level keys such as `x-common`, which are for anchors alone, as in Compose files. */
function withoutExtensions(configuration: unknown): unknown {
  if (typeof configuration !== 'object' || configuration === null || Array.isArray(configuration)) return configuration;
  return Object.fromEntries(Object.entries(configuration).filter(([key]) => !key.startsWith('x-')));
}

/** Reads a `holdpoint.yaml`; see `parseConfig`. */
export function loadConfig(file: string, env: NodeJS.ProcessEnv = process.env): Config {
  return parseConfig(readConfigText(file), file, env);
}

function withoutUndefined<T extends object>(object: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as never;
}
