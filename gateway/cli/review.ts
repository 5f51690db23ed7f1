import { existsSync, readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { parse as parseYaml } from 'yaml';
import { CommandFailed, createAdminClient } from './admin-client.ts';
import type { AdminClient } from './admin-client.ts';
import { approveHold, rejectHold } from './pages/decide.ts';
import { listHolds, showHold } from './pages/holds.ts';
import { plain } from './pages/plain-text.ts';
import { terminal } from './terminal.ts';
import { ConfigError, readConfigText, reviewerToken } from '../config/config.ts';
import { REJECT_CODES } from '../domain/hold.ts';

export const REVIEWER_HELP = `For people without a browser, through the admin API:

  holds [--mine] [--overdue] [--status pending|…|all] [--kind K] [--system S] [--agent A] [--group G]
  holds show ID
  approve ID [--note TEXT] [--yes]        shows what will be sent, and asks
  reject ID --code CODE [--note TEXT]     codes: ${REJECT_CODES.join(', ')}

  --url URL            the admin address; by default that of the configuration, or http://127.0.0.1:8081
  --config FILE        the configuration that names it; by default holdpoint.yaml
  --token-file FILE    a file with your token; by default the environment variable HOLDPOINT_TOKEN
  --json               what the API answers, for scripts

  Exit code 0: done. 1: refused or failed. 2: the command was not understood.
`;

const DEFAULT_URL = 'http://127.0.0.1:8081';
const DEFAULT_CONFIG = 'holdpoint.yaml';

const text = { type: 'string' } as const;
const flag = { type: 'boolean', default: false } as const;
const common = { url: text, config: text, 'token-file': text, json: flag, help: { ...flag, short: 'h' } } as const;

/** The command was not understood. */
class Misunderstood extends Error {}

export async function holds(args: string[]): Promise<number> {
  return await carryOut(async () => {
    const filters = { status: text, kind: text, system: text, agent: text, group: text } as const;
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: { ...common, ...filters, mine: flag, overdue: flag },
    });
    if (values.help) return help();
    const [action, id, ...more] = positionals;
    if (action === 'show' && id !== undefined && more.length === 0)
      return await showHold(connect(values), terminal, id, values.json);
    if (action !== undefined) throw new Misunderstood('Say "holds", or "holds show ID".');
    const { status = 'pending', kind, system, agent, group, mine, overdue } = values;
    const filter = {
      ...(status !== 'all' && { status }),
      ...(kind !== undefined && { kind }),
      ...(system !== undefined && { system }),
      ...(agent !== undefined && { agent }),
      ...(group !== undefined && { group }),
      ...(mine && { mine: 'true' }),
      ...(overdue && { overdue: 'true' }),
    };
    return await listHolds(connect(values), terminal, filter, values.json);
  });
}

export async function approve(args: string[]): Promise<number> {
  return await carryOut(async () => {
    const options = { ...common, note: text, yes: { ...flag, short: 'y' } } as const;
    const { values, positionals } = parseArgs({ args, allowPositionals: true, options });
    if (values.help) return help();
    const id = onlyId(positionals);
    const { note, yes, json } = values;
    return await approveHold(connect(values), terminal, id, { note, yes, json });
  });
}

export async function reject(args: string[]): Promise<number> {
  return await carryOut(async () => {
    const options = { ...common, code: text, note: text } as const;
    const { values, positionals } = parseArgs({ args, allowPositionals: true, options });
    if (values.help) return help();
    const id = onlyId(positionals);
    const { note, json } = values;
    const code = REJECT_CODES.find((known) => known === values.code);
    if (!code) throw new Misunderstood(`Say why with --code: ${REJECT_CODES.join(', ')}.`);
    return await rejectHold(connect(values), terminal, id, { code, note, json });
  });
}

async function carryOut(command: () => Promise<void>): Promise<number> {
  try {
    await command();
    return 0;
  } catch (error) {
    const { code } = error as { readonly code?: string };
    const misunderstood = error instanceof Misunderstood || code?.startsWith('ERR_PARSE_ARGS');
    if (!misunderstood && !(error instanceof CommandFailed) && !(error instanceof ConfigError)) throw error;
    terminal.err(`${(error as Error).message.split('\n').map(plain).join('\n')}\n`);
    if (misunderstood) terminal.err(`\n${REVIEWER_HELP}`);
    return misunderstood ? 2 : 1;
  }
}

async function help(): Promise<void> {
  terminal.out(REVIEWER_HELP);
}

function onlyId(positionals: readonly string[]): string {
  const [id] = positionals;
  if (id === undefined || positionals.length > 1)
    throw new Misunderstood('Name one hold by its ID; "holds" lists them.');
  return id;
}

type Where = { readonly url?: string; readonly config?: string; readonly 'token-file'?: string };

function connect({ url, config, 'token-file': tokenFile }: Where): AdminClient {
  return createAdminClient(url === undefined ? configuredUrl(config) : checkedUrl(url), readToken(tokenFile));
}

function checkedUrl(url: string): string {
  if (!/^https?:/.test(url) || !URL.canParse(url))
    throw new Misunderstood(`--url: expected an address such as ${DEFAULT_URL}.`);
  return url;
}

/**
 * Where the gateway of a configuration has its admin listener. Nothing else of it is read: who approves need not have
 * the secrets that it names.
 */
function configuredUrl(named: string | undefined): string {
  const file = named ?? DEFAULT_CONFIG;
  if (named === undefined && !existsSync(file)) return DEFAULT_URL;
  const address = adminAddress(readConfigText(file));
  if (address === undefined) return DEFAULT_URL;
  const [, host, port] = (typeof address === 'string' && /^(\[[0-9a-fA-F:]+\]|[^:\s]*):(\d{1,5})$/.exec(address)) || [];
  if (port === undefined)
    throw new ConfigError(file, ['listen.admin: expected host:port; name the admin address with --url instead']);
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

/** Never from the arguments: those stand in the list of processes, for everybody on the machine to read. */
function readToken(file: string | undefined): string {
  const token = file === undefined ? reviewerToken() : readTokenFile(file);
  const place = file ?? 'HOLDPOINT_TOKEN';
  if (token === null)
    throw new CommandFailed('Who are you? Put your token into HOLDPOINT_TOKEN, or name its file with --token-file.');
  if (/^[\x21-\x7e]+$/.test(token)) return token;
  throw new CommandFailed(`${place} holds no token: expected one word on one line, and nothing else.`);
}

function readTokenFile(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (cause) {
    throw new CommandFailed(`${file} cannot be read (${(cause as NodeJS.ErrnoException).code}).`, { cause });
  }
}
