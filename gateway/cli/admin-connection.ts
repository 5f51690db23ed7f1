import { existsSync, readFileSync } from 'node:fs';
import { parse as parseYaml } from 'yaml';
import { ConfigError, readConfigText, reviewerToken } from '../config/config.ts';
import { createAdminClient, type AdminClient } from './admin-client.ts';
import { CommandFailed } from './command.ts';
import { JSON_OUTPUT, UsageError, type Values } from './options.ts';

const DEFAULT_URL = 'http://127.0.0.1:8081';
const DEFAULT_CONFIG = 'holdpoint.yaml';

/** The options of all commands that talk to the admin API. */
export const ADMIN_OPTIONS = {
  url: { value: 'URL', help: `address of the admin API (default: as configured, or ${DEFAULT_URL})` },
  config: { value: 'FILE', help: `configuration file with that address (default: ${DEFAULT_CONFIG}, if there is one)` },
  'token-file': { value: 'FILE', help: 'file with your token (default: the environment variable HOLDPOINT_TOKEN)' },
  json: JSON_OUTPUT,
} as const;

/** @throws CommandFailed, ConfigError or UsageError when there is no token or no address */
export function connectAdmin({ url, config, 'token-file': tokenFile }: Values<typeof ADMIN_OPTIONS>): AdminClient {
  return createAdminClient(url === undefined ? configuredUrl(config) : checkedUrl(url), readToken(tokenFile));
}

function checkedUrl(url: string): string {
  if (!/^https?:/.test(url) || !URL.canParse(url))
    throw new UsageError(`--url: expected an address such as ${DEFAULT_URL}.`);
  return url;
}

/**
 * Where the gateway of a configuration has its admin listener. Nothing else of it is read: a reviewer need not have the
 * secrets that it names.
 */
function configuredUrl(named: string | undefined): string {
  const file = named ?? DEFAULT_CONFIG;
  if (named === undefined && !existsSync(file)) return DEFAULT_URL;
  const address = adminAddress(readConfigText(file));
  if (address === undefined) return DEFAULT_URL;
  const [, host, port] = (typeof address === 'string' && /^(\[[0-9a-fA-F:]+\]|[^:\s]*):(\d{1,5})$/.exec(address)) || [];
  if (port === undefined) throw new ConfigError(file, ['listen.admin: expected host:port; or pass --url']);
  // What is listened on is not always where one connects to.
  const anywhere: Record<string, string> = { '': '127.0.0.1', '0.0.0.0': '127.0.0.1', '[::]': '[::1]' };
  return `http://${anywhere[host ?? ''] ?? host}:${port}`;
}

function adminAddress(yaml: string): unknown {
  try {
    const config = parseYaml(yaml) as { readonly listen?: { readonly admin?: unknown } } | null;
    return config?.listen?.admin;
  } catch {
    return null;
  }
}

/** Never from the arguments: those are in the list of processes, for everybody on the machine to read. */
function readToken(file: string | undefined): string {
  const token = file === undefined ? reviewerToken() : readTokenFile(file);
  if (token === null) throw new CommandFailed('No token. Set HOLDPOINT_TOKEN or pass --token-file.');
  if (/^[\x21-\x7e]+$/.test(token)) return token;
  throw new CommandFailed(`${file ?? 'HOLDPOINT_TOKEN'}: expected a token, one word on one line, and nothing else.`);
}

function readTokenFile(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (cause) {
    throw new CommandFailed(`${file}: cannot be read (${(cause as NodeJS.ErrnoException).code}).`, { cause });
  }
}
