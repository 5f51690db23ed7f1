import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { ClickHouseClient } from '@clickhouse/client';
import { connectClickHouse } from '../clickhouse/clickhouse.ts';
import { EVENT_COLUMNS } from '../clickhouse/event-columns.ts';
import { readManifest, type Manifest } from './export.ts';
import { startEmbedded } from '../clickhouse/start-embedded.ts';
import type { Keys } from './links.ts';
import type { ChainReport } from '../../gateway/domain/verification.ts';
import { verifyRecord, type VerifyOptions } from './verify.ts';

const TIME = "DateTime64(3, 'UTC')";

/** Types without codecs, which only stored tables need. */
const EVENTS = [
  ...EVENT_COLUMNS.map(({ name, definition }) => `${name} ${definition.replace(/ CODEC\(.*$/, '')}`),
  `chain LowCardinality(String), seq UInt64, hash String, shipped_at ${TIME}`,
].join(', ');

const CHECKPOINTS = `chain String, node String, at ${TIME}, first UInt64, seq UInt64, prev String, hash String, key String,
  signature String`;

/**
 * Verifies an export without the gateway or its ClickHouse: its rows are loaded into an engine of their own, in a temporary
 * folder.
 * @throws Error for the operator when a file does not match the manifest
 */
export async function verifyExport(
  dir: string,
  keys: Keys,
  onProgress?: VerifyOptions['onProgress'],
): Promise<{ readonly manifest: Manifest; readonly reports: readonly ChainReport[] }> {
  const manifest = await readManifest(dir);
  const room = await mkdtemp(join(tmpdir(), 'holdpoint-export-'));
  const engine = await startEmbedded({ path: room });
  const client = connectClickHouse(engine);
  try {
    await load(client, resolve(dir), manifest);
    const reports = await verifyRecord({ client, keys, whole: false, ...(onProgress && { onProgress }) });
    return { manifest, reports };
  } finally {
    await client.close();
    engine.child.kill('SIGKILL');
    await rm(room, { recursive: true, force: true, maxRetries: 5 });
  }
}

async function load(client: ClickHouseClient, dir: string, { format, files }: Manifest): Promise<void> {
  const run = (query: string) => client.command({ query });
  await run('CREATE DATABASE IF NOT EXISTS holdpoint');
  await run(`CREATE TABLE holdpoint.events (${EVENTS}) ENGINE = MergeTree ORDER BY (chain, seq)`);
  const signed = file(join(dir, 'checkpoints.ndjson'), 'JSONEachRow', CHECKPOINTS);
  await run(`CREATE TABLE holdpoint.checkpoints (${CHECKPOINTS}) ENGINE = MergeTree ORDER BY (chain, seq)`);
  await run(`INSERT INTO holdpoint.checkpoints SELECT * FROM ${signed}`);
  for (const name of Object.keys(files).filter((each) => each.startsWith('events-'))) {
    const rows = file(join(dir, name), format === 'parquet' ? 'Parquet' : 'JSONEachRow', EVENTS);
    await run(`INSERT INTO holdpoint.events SELECT * FROM ${rows}`);
  }
}

function file(path: string, format: string, structure: string): string {
  const text = (value: string) => `'${value.replaceAll(/[\\']/g, (character) => `\\${character}`)}'`;
  return `file(${text(path)}, '${format}', ${text(structure)})`;
}
