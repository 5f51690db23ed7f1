import { createPublicKey } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { exportRecord, type ExportFormat } from '../../audit/ledger/export.ts';
import { loadLedgerKey, publicPem } from '../../audit/ledger/ledger-key.ts';
import { keyId } from '../../audit/ledger/ledger.ts';
import type { Keys } from '../../audit/ledger/links.ts';
import { readLocal } from '../../audit/ledger/local.ts';
import { verifyExport } from '../../audit/ledger/verify-export.ts';
import { verifyRecord } from '../../audit/ledger/verify.ts';
import { auditPage, exportPage, isWhole } from './pages/audit-page.ts';
import { plain } from './pages/plain-text.ts';
import { terminal } from './terminal.ts';
import { ConfigError, loadConfig, type Config } from '../config/config.ts';
import { dataFolder } from '../process/data-folder.ts';
import type { ChainReport, JournalCheck } from '../domain/verification.ts';
import { ClickHouseUnavailable, openClickHouse } from '../process/open-clickhouse.ts';

const AUDIT_HELP = `The record, and the proof that nobody changed it:

  audit verify                              checks journals and ClickHouse against the signed checkpoints
  audit verify --export DIR                 checks an export, without gateway or ClickHouse
  audit export --from TIME --to TIME --out DIR [--format ndjson|parquet]
                                            events of a period with their proof, into a new folder
  audit key                                 the public key, in PEM, for those who verify elsewhere

  --key FILE           a public key to trust, in PEM; as often as needed. Without it: that of this gateway.
                       Gateways that share a ClickHouse have a key each.
  --from, --to         moments, such as 2026-01-01 or 2026-01-01T08:00:00Z
  --json               for scripts
  --config FILE        the configuration; by default holdpoint.yaml

  Exit code 0: whole, or done. 1: broken, or failed. 2: the command was not understood.
`;

const text = { type: 'string' } as const;
const flag = { type: 'boolean', default: false } as const;

/** The command was not understood. */
class Misunderstood extends Error {}
/** What was asked for cannot be done, and `message` says why. */
class Failed extends Error {}

/** `audit`: verifies and exports the record. */
export async function audit(args: string[]): Promise<number> {
  try {
    return await carryOut(args);
  } catch (error) {
    const { code, type } = error as { readonly code?: string; readonly type?: string };
    if (type === 'UNKNOWN_DATABASE') {
      terminal.err('There is no record in this ClickHouse yet. The gateway makes it when it starts.\n');
      return 1;
    }
    const misunderstood = error instanceof Misunderstood || code?.startsWith('ERR_PARSE_ARGS');
    const told = [Failed, ConfigError, ClickHouseUnavailable].some((kind) => error instanceof kind);
    if (!misunderstood && !told) throw error;
    terminal.err(`${(error as Error).message.split('\n').map(plain).join('\n')}\n`);
    if (misunderstood) terminal.err(`\n${AUDIT_HELP}`);
    return misunderstood ? 2 : 1;
  }
}

async function carryOut(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      export: text,
      key: { ...text, multiple: true, default: [] },
      from: text,
      to: text,
      out: text,
      format: { ...text, default: 'ndjson' },
      json: flag,
      config: { ...text, default: 'holdpoint.yaml' },
      help: { ...flag, short: 'h' },
    },
  });
  const [action, ...more] = positionals;
  if (values.help || action === undefined) {
    terminal.out(AUDIT_HELP);
    return values.help ? 0 : 2;
  }
  if (more.length > 0) throw new Misunderstood(`There is no "${more.join(' ')}" here.`);
  switch (action) {
    case 'verify':
      return values.export === undefined ? await verify(values) : await verifyFolder(values.export, values);
    case 'export':
      return await exportPeriod(values);
    case 'key':
      terminal.out(publicPem(await ownKey(loadConfig(values.config))));
      return 0;
    default:
      throw new Misunderstood(`There is no "audit ${action}".`);
  }
}

type Verifying = { readonly key: readonly string[]; readonly json: boolean; readonly config: string };

async function verify({ key, json, config: file }: Verifying): Promise<number> {
  const config = loadConfig(file);
  const keys = await trusted(key, config);
  const clickhouse = await openClickHouse(config);
  const progress = createProgress('verified');
  try {
    const { journals, anchors, setAside } = await readLocal(dataFolder(config.data).journals, keys);
    const chains = await verifyRecord({
      client: clickhouse.client,
      keys,
      anchors,
      setAside,
      keptSince: config.retention.events === null ? -Infinity : Date.now() - config.retention.events,
      onProgress: progress.show,
    });
    progress.clear();
    return tell(chains, journals, json ? null : auditPage(chains, journals));
  } finally {
    progress.clear();
    await clickhouse.close();
  }
}

async function verifyFolder(dir: string, { key, json, config }: Verifying): Promise<number> {
  const progress = createProgress('verified');
  // Whoever has no key of their own is told which one it was: that the export brings it along proves nothing.
  const brought = `${dir}/public-key.pem`;
  if (!existsSync(brought)) {
    throw new Failed(`${dir} is no export: there is no public-key.pem in it. "audit export" makes one.`);
  }
  const given = key.length > 0 ? key : [brought];
  const keys = await trusted(given, config);
  const { manifest, reports } = await verifyExport(dir, keys, progress.show).catch((error: Error) => {
    throw new Failed(error.message, { cause: error });
  });
  progress.clear();
  if (!json) {
    terminal.out(`${dir}: ${manifest.events} events, ${manifest.from} to ${manifest.to}\n`);
    if (key.length === 0) {
      terminal.out(
        `Checked with the key in the export itself (${[...keys.keys()].join(', ')}): compare it with "audit key".\n`,
      );
    }
  }
  return tell(reports, [], json ? null : exportPage(reports));
}

/** @param page for people; null for scripts */
function tell(chains: readonly ChainReport[], journals: readonly JournalCheck[], page: string | null): number {
  const whole = isWhole(chains, journals);
  terminal.out(page ?? `${JSON.stringify({ whole, chains, journals }, null, 2)}\n`);
  return whole ? 0 : 1;
}

async function exportPeriod(values: {
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  readonly out?: string | undefined;
  readonly format: string;
  readonly json: boolean;
  readonly config: string;
}): Promise<number> {
  const { out, format } = values;
  if (out === undefined) throw new Misunderstood('Say where to with --out DIR.');
  if (!isFormat(format)) throw new Misunderstood('--format: expected ndjson or parquet.');
  const [from, to] = [moment('--from', values.from), moment('--to', values.to)];
  if (from >= to) throw new Misunderstood('--from: expected a moment before --to.');
  const config = loadConfig(values.config);
  const publicKey = publicPem(await ownKey(config));
  const clickhouse = await openClickHouse(config);
  const progress = createProgress('exported');
  try {
    const exporting = { client: clickhouse.client, dir: out, from, to, format, publicKey, onProgress: progress.show };
    const manifest = await exportRecord(exporting).catch((error: Error & { code?: string }) => {
      // What ClickHouse or the disk say has a code; what the export says is for people.
      throw error.code === undefined ? new Failed(error.message, { cause: error }) : error;
    });
    progress.clear();
    const summary = `${manifest.events} events in ${out}. Check them with "audit verify --export ${out}".\n`;
    terminal.out(values.json ? `${JSON.stringify(manifest, null, 2)}\n` : summary);
    return 0;
  } finally {
    progress.clear();
    await clickhouse.close();
  }
}

function isFormat(format: string): format is ExportFormat {
  return format === 'ndjson' || format === 'parquet';
}

/** Milliseconds since the epoch; a date without a time, or a time without a zone, is taken as UTC. */
function moment(name: string, given: string | undefined): number {
  const match = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2})?)?$/.exec(given ?? '');
  const time = match ? Date.parse(match[1] === undefined || match[4] !== undefined ? given! : `${given}Z`) : Number.NaN;
  if (Number.isNaN(time))
    throw new Misunderstood(`${name}: expected a moment, such as 2026-01-01 or 2026-01-01T08:00:00Z.`);
  return time;
}

async function ownKey(config: Config) {
  const file = dataFolder(config.data).ledgerKey;
  return await loadLedgerKey(file).catch((error: Error & { code?: string }) => {
    if (error.code !== 'ENOENT') throw new Failed(error.message, { cause: error });
    throw new Failed(
      `There is no key in ${file} yet. The gateway makes it when it starts; others are given with --key.`,
    );
  });
}

/** The keys in these files; without any, that of the gateway itself. */
async function trusted(files: readonly string[], config: Config | string): Promise<Keys> {
  if (files.length === 0) {
    const own = createPublicKey(await ownKey(typeof config === 'string' ? loadConfig(config) : config));
    return new Map([[keyId(own), own]]);
  }
  const keys = await Promise.all(files.map(readKey));
  return new Map(keys.map((key) => [keyId(key), key]));
}

async function readKey(file: string) {
  try {
    return createPublicKey(await readFile(file, 'utf8'));
  } catch (cause) {
    throw new Failed(`${file} cannot be read as a public key in PEM, as "audit key" prints it.`, { cause });
  }
}

/** One line that says how far it is, where a person watches. */
function createProgress(done: string) {
  const watched = process.stderr.isTTY;
  const clear = () => void (watched && terminal.err('\r\u001b[K'));
  return {
    show(events: number, of?: number): void {
      if (watched) terminal.err(`\r\u001b[K${events}${of === undefined ? '' : ` of ${of}`} events ${done} …`);
    },
    clear,
  };
}
