import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ConfigError } from './config/config.ts';
import { formatAddress } from './config/address.ts';
import { DataInUse } from './process/data-folder.ts';
import type { Gateway } from './process/supervisor.ts';

const HELP = `Holdpoint: a policy-enforcing gateway for agent tool calls.

  node gateway/main.ts <command>

  start [--config holdpoint.yaml]    start the gateway
  check [--config holdpoint.yaml]    validate configuration and policies, start nothing
  demo [--once]                      a gateway with an example system and a scripted agent, to try by hand
  policy check|test|build|fmt        the authoring loop for Rego policies
  token                              a new token, and the token_sha256 to put in the configuration
  holds                              the calls that wait for people; "holds show ID" shows one whole
  approve ID                         shows what would be sent, asks, and approves it
  reject ID --code CODE              rejects it, with a code and a note for the agent
  report [NAME]                      questions asked of the record, such as what work costs; without NAME, the list
  audit verify|export|key            the proof that nobody changed the record
  journal [--json]                   what waits on disk for ClickHouse, and what was damaged

  --help                             this text, or a command's own
`;

/** A command gets what follows its name and answers with the exit code; it keeps the process alive as long as it works. */
type Command = (args: string[]) => Promise<number>;

const commands: Record<string, Command> = {
  start,
  check,
  demo,
  policy,
  token,
  holds,
  approve,
  reject,
  report,
  journal,
  audit,
};

/** Commands of which the text above says all. */
const PLAIN: ReadonlySet<Command> = new Set([start, check, demo, token, journal]);

async function start(args: string[]): Promise<number> {
  const { values } = parseArgs({ args, options: { config: { type: 'string', default: 'holdpoint.yaml' } } });
  const { parseConfig, readConfigText } = await import('./config/config.ts');
  const { createLog } = await import('./process/log.ts');
  const { startGateway } = await import('./process/supervisor.ts');

  const text = readConfigText(values.config);
  const config = parseConfig(text, values.config);
  const log = createLog('supervisor', config.log);
  const since = performance.now();
  const stopping = stopSignal();
  let gateway: Gateway;
  try {
    gateway = await startGateway(config, { file: config.file, text }, log, { signal: stopping });
  } catch (error) {
    if (stopping.aborted) return 0;
    throw error;
  }
  log.info(
    {
      agents: `http://${formatAddress(gateway.agents)}`,
      systems: Object.fromEntries(
        Object.entries(gateway.systems).map(([name, address]) => [name, formatAddress(address)]),
      ),
      admin: `http://${formatAddress(gateway.admin)}`,
      workers: config.workers,
      data: config.data,
      ms: Math.round(performance.now() - since),
    },
    'ready',
  );
  if (!stopping.aborted) await once(stopping, 'abort');
  log.info({ signal: (stopping.reason as Error).message }, 'stopping: no new calls, running ones finish');
  await gateway.stop();
  log.info('stopped');
  return 0;
}

async function check(args: string[]): Promise<number> {
  const { values } = parseArgs({ args, options: { config: { type: 'string', default: 'holdpoint.yaml' } } });
  const { loadConfig } = await import('./config/config.ts');
  const { createDescriber } = await import('./describe/http/http-call.ts');
  const config = loadConfig(values.config);
  for (const system of config.systems) {
    try {
      createDescriber(system);
    } catch (error) {
      throw new ConfigError(values.config, [`systems.${system.name}.openapi: ${(error as Error).message}`]);
    }
  }
  const policies = await policy(['check', config.policies]);
  if (policies !== 0) return policies;
  const { systems, agents, reviewers } = config;
  process.stdout.write(
    `${values.config} is fine: ${systems.length} systems, ${agents.length} agents, ${reviewers.length} reviewers.\n`,
  );
  return 0;
}

async function demo(args: string[]): Promise<number> {
  const { values } = parseArgs({ args, options: { once: { type: 'boolean', default: false } } });
  const { runDemo } = await import('./demo/tour.ts');
  await runDemo({
    once: values.once,
    signal: stopSignal(),
    start: startForDemo,
    policies: join(import.meta.dirname, '..', 'policies'),
  });
  return 0;
}

/** The real gateway, its log lines in a file instead of between those of the demo. */
async function startForDemo({ config: file, log }: { config: string; log: string }) {
  const { openSync } = await import('node:fs');
  const { connectClickHouse } = await import('../audit/clickhouse/clickhouse.ts');
  const { parseConfig, readConfigText } = await import('./config/config.ts');
  const { createLog } = await import('./process/log.ts');
  const { startGateway } = await import('./process/supervisor.ts');

  const text = readConfigText(file);
  const config = parseConfig(text, file);
  const output = openSync(log, 'a');
  const gateway = await startGateway(config, { file: config.file, text }, createLog('supervisor', config.log, output), {
    output,
  });
  const client = connectClickHouse(gateway.clickhouse);
  return {
    query: async (query: string) =>
      (await client.query({ query, format: 'JSONEachRow' })).json<Record<string, unknown>>(),
    async stop() {
      await client.close();
      await gateway.stop();
    },
  };
}

async function policy(args: string[]): Promise<number> {
  const { runPolicyCommand } = await import('../policies/command.ts');
  const { createEvaluator } = await import('./decide/evaluator.ts');
  const { toolEnvironment } = await import('./config/config.ts');
  return runPolicyCommand(args, {
    ...toolEnvironment(),
    createEvaluator,
    out: (text) => process.stdout.write(text),
    err: (text) => process.stderr.write(text),
  });
}

async function token(): Promise<number> {
  const { hashToken } = await import('./identify/token.ts');
  const secret = `hp_${randomBytes(32).toString('base64url')}`;
  process.stdout.write(`token         ${secret}\n`);
  process.stdout.write(`token_sha256  ${hashToken(secret)}\n\n`);
  process.stdout.write(
    'Give the token to the agent or reviewer; it is not shown again. Put token_sha256 in the configuration.\n',
  );
  return 0;
}

async function holds(args: string[]): Promise<number> {
  return (await import('./cli/review.ts')).holds(args);
}

async function approve(args: string[]): Promise<number> {
  return (await import('./cli/review.ts')).approve(args);
}

async function reject(args: string[]): Promise<number> {
  return (await import('./cli/review.ts')).reject(args);
}

async function report(args: string[]): Promise<number> {
  return (await import('./cli/report.ts')).report(args);
}

async function audit(args: string[]): Promise<number> {
  return (await import('./cli/audit.ts')).audit(args);
}

async function journal(args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    options: { config: { type: 'string', default: 'holdpoint.yaml' }, json: { type: 'boolean', default: false } },
  });
  const { readJournals } = await import('../audit/journal/journal-status.ts');
  const { journalList } = await import('./cli/pages/journal-list.ts');
  const { loadConfig } = await import('./config/config.ts');
  const { dataFolder } = await import('./process/data-folder.ts');
  const report = await readJournals(dataFolder(loadConfig(values.config).data).journals);
  process.stdout.write(
    values.json ? `${JSON.stringify(report, null, 2)}\n` : journalList(report.journals, report.poison),
  );
  return 0;
}

/** Aborts when this process is asked to end. Asking twice, as npm does on Ctrl-C, does not cut short how it ends. */
function stopSignal(): AbortSignal {
  const stopping = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => stopping.abort(new Error(signal)));
  return stopping.signal;
}

async function main([name = '--help', ...args]: string[]): Promise<number> {
  if (['--help', '-h', 'help'].includes(name)) {
    process.stdout.write(HELP);
    return 0;
  }
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (!command) {
    process.stderr.write(`There is no command "${name}".\n\n${HELP}`);
    return 2;
  }
  if (PLAIN.has(command) && args.some((arg) => ['--help', '-h'].includes(arg))) {
    process.stdout.write(HELP);
    return 0;
  }
  try {
    return await command(args);
  } catch (error) {
    const { code } = error as { readonly code?: string };
    process.stderr.write(`${explain(error as Error & { code?: string })}\n`);
    return code?.startsWith('ERR_PARSE_ARGS') ? 2 : 1;
  }
}

/** A user's mistake is told in a sentence; anything else is ours, and its stack helps whoever reports it. */
function explain(error: Error & { code?: string }): string {
  const expected =
    error instanceof ConfigError || error instanceof DataInUse || error.code?.startsWith('ERR_PARSE_ARGS');
  return expected || error.cause === undefined ? error.message : `${error.stack}`;
}

process.exitCode = await main(process.argv.slice(2));
if (process.exitCode !== 0) process.exit();
