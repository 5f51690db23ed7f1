import { createPublicKey, type KeyObject } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { ClickHouseClient } from '@clickhouse/client';
import { exportRecord } from '../../audit/ledger/export.ts';
import { loadLedgerKey, publicPem } from '../../audit/ledger/ledger-key.ts';
import { keyId } from '../../audit/ledger/ledger.ts';
import type { Keys } from '../../audit/ledger/links.ts';
import { readLocal } from '../../audit/ledger/local.ts';
import { verifyExport } from '../../audit/ledger/verify-export.ts';
import { verifyRecord } from '../../audit/ledger/verify.ts';
import { loadConfig, type Config } from '../config/config.ts';
import type { ChainReport, JournalCheck } from '../domain/verification.ts';
import { dataFolder } from '../process/data-folder.ts';
import { openClickHouse } from '../process/open-clickhouse.ts';
import { CommandFailed, defineCommand } from './command.ts';
import { CONFIG, JSON_OUTPUT, UsageError } from './options.ts';
import { auditPage, exportPage, isWhole } from './pages/audit-page.ts';
import { jsonPage } from './pages/json-page.ts';
import type { Terminal } from './terminal.ts';

const MOMENT = 'such as 2026-01-01 or 2026-01-01T08:00:00Z';

const verify = defineCommand({
  options: {
    export: { value: 'DIR', help: 'verify this export instead, without gateway or ClickHouse' },
    key: {
      value: 'FILE',
      multiple: true,
      help: 'public key to trust, in PEM; repeatable (default: the key of this gateway)',
    },
    json: JSON_OUTPUT,
    config: CONFIG,
  },
  notes: ['Gateways that share a ClickHouse have a key each.'],
  async run({ values: { export: dir, key, json, config }, terminal }) {
    return dir === undefined
      ? await verifyHere(key, json, loadConfig(config), terminal)
      : await verifyFolder(dir, key, json, terminal);
  },
});

const exportPeriod = defineCommand({
  options: {
    from: { value: 'TIME', required: true, help: `start of the period, ${MOMENT}` },
    to: { value: 'TIME', required: true, help: 'end of the period' },
    out: { value: 'DIR', required: true, help: 'new folder for the export' },
    format: { value: 'FORMAT', oneOf: ['ndjson', 'parquet'], default: 'ndjson', help: 'how events are written' },
    json: JSON_OUTPUT,
    config: CONFIG,
  },
  async run({ values, terminal }) {
    const { out, format, json } = values;
    const [from, to] = [moment('--from', values.from), moment('--to', values.to)];
    if (from >= to) throw new UsageError('--from: expected a moment before --to.');
    const config = loadConfig(values.config);
    const publicKey = publicPem(await ownKey(config));
    return await withClickHouse(config, 'exported', terminal, async (client, progress) => {
      const exporting = { client, dir: out, from, to, format, publicKey, onProgress: progress.show };
      const manifest = await exportRecord(exporting);
      progress.clear();
      const summary = `${manifest.events} events in ${out}. Check them with "npx holdpoint audit verify --export ${out}".\n`;
      terminal.out(json ? jsonPage(manifest) : summary);
      return 0;
    });
  },
});

const key = defineCommand({
  options: { config: CONFIG },
  async run({ values, terminal }) {
    terminal.out(publicPem(await ownKey(loadConfig(values.config))));
    return 0;
  },
});

/** Verifies and exports the record. */
export const audit = defineCommand({
  commands: {
    verify: ['verify journals and ClickHouse against the signed checkpoints, or an export', () => verify],
    export: ['export the events of a period with their proof', () => exportPeriod],
    key: ['print the public key in PEM, for verification elsewhere', () => key],
  },
});

async function verifyHere(
  files: readonly string[],
  json: boolean,
  config: Config,
  terminal: Terminal,
): Promise<number> {
  const keys = keysById(files.length > 0 ? await readKeys(files) : [createPublicKey(await ownKey(config))]);
  return await withClickHouse(config, 'verified', terminal, async (client, progress) => {
    const { journals, anchors, setAside } = await readLocal(dataFolder(config.data).journals, keys);
    const { events: kept } = config.retention;
    const keptSince = kept === null ? -Infinity : Date.now() - kept;
    const onProgress = progress.show;
    const chains = await verifyRecord({ client, keys, anchors, setAside, keptSince, onProgress });
    progress.clear();
    return tell(chains, journals, json ? null : auditPage(chains, journals), terminal);
  });
}

async function verifyFolder(dir: string, files: readonly string[], json: boolean, terminal: Terminal): Promise<number> {
  const included = `${dir}/public-key.pem`;
  if (!existsSync(included)) {
    throw new CommandFailed(`${dir} is no export: there is no public-key.pem in it. "audit export" makes one.`);
  }
  const keys = keysById(await readKeys(files.length > 0 ? files : [included]));
  const progress = createProgress('verified', terminal);
  const { manifest, reports } = await verifyExport(dir, keys, progress.show);
  progress.clear();
  if (!json) {
    terminal.out(`${dir}: ${manifest.events} events, ${manifest.from} to ${manifest.to}\n`);
    // A key that comes with the export proves nothing: the author of the export chose it.
    if (files.length === 0) {
      const names = [...keys.keys()].join(', ');
      terminal.out(
        `Checked with the key in the export itself (${names}): compare it with "npx holdpoint audit key".\n`,
      );
    }
  }
  return tell(reports, [], json ? null : exportPage(reports), terminal);
}

/** @param page for people; null for scripts */
function tell(
  chains: readonly ChainReport[],
  journals: readonly JournalCheck[],
  page: string | null,
  terminal: Terminal,
): number {
  const whole = isWhole(chains, journals);
  terminal.out(page ?? jsonPage({ whole, chains, journals }));
  return whole ? 0 : 1;
}

async function withClickHouse(
  config: Config,
  done: string,
  terminal: Terminal,
  work: (client: ClickHouseClient, progress: Progress) => Promise<number>,
): Promise<number> {
  const clickhouse = await openClickHouse(config);
  const progress = createProgress(done, terminal);
  try {
    return await work(clickhouse.client, progress);
  } catch (cause) {
    if ((cause as { readonly type?: string }).type !== 'UNKNOWN_DATABASE') throw cause;
    throw new CommandFailed('There is no record in this ClickHouse yet. The gateway makes it when it starts.', {
      cause,
    });
  } finally {
    progress.clear();
    await clickhouse.close();
  }
}

/** Milliseconds since the epoch; a date without a time, or a time without a zone, is taken as UTC. */
function moment(name: string, given: string): number {
  const match = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2})?)?$/.exec(given);
  const time = match ? Date.parse(match[1] === undefined || match[4] !== undefined ? given : `${given}Z`) : Number.NaN;
  if (Number.isNaN(time)) throw new UsageError(`${name}: expected a moment, ${MOMENT}.`);
  return time;
}

async function ownKey(config: Config): Promise<KeyObject> {
  const file = dataFolder(config.data).ledgerKey;
  return await loadLedgerKey(file).catch((error: Error & { code?: string }) => {
    if (error.code !== 'ENOENT') throw error;
    throw new CommandFailed(`There is no key in ${file} yet. The gateway makes it when it starts; or pass --key.`);
  });
}

function keysById(keys: readonly KeyObject[]): Keys {
  return new Map(keys.map((key) => [keyId(key), key]));
}

function readKeys(files: readonly string[]): Promise<KeyObject[]> {
  return Promise.all(
    files.map(async (file) => {
      try {
        return createPublicKey(await readFile(file, 'utf8'));
      } catch (cause) {
        throw new CommandFailed(`${file}: expected a public key in PEM, as "audit key" prints it.`, { cause });
      }
    }),
  );
}

type Progress = ReturnType<typeof createProgress>;

/** One line that says how far it is, where a person watches. */
function createProgress(done: string, terminal: Terminal) {
  const watched = process.stderr.isTTY;
  return {
    show(events: number, of?: number): void {
      if (watched) terminal.err(`\r\u001b[K${events}${of === undefined ? '' : ` of ${of}`} events ${done} …`);
    },
    clear(): void {
      if (watched) terminal.err('\r\u001b[K');
    },
  };
}
