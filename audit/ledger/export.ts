import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { ClickHouseClient } from '@clickhouse/client';
import { z } from 'zod';
import type { Checkpoint } from './ledger.ts';
import { windowsOf } from './stored-segments.ts';
import { readCheckpoints, readExtents } from './checkpoints.ts';
import { iso } from '../../gateway/domain/time.ts';

export type ExportFormat = 'ndjson' | 'parquet';

const FORMATS: Readonly<Record<ExportFormat, string>> = { ndjson: 'JSONEachRow', parquet: 'Parquet' };

const manifestSchema = z.strictObject({
  holdpoint: z.literal('export-1'),
  from: z.iso.datetime(),
  to: z.iso.datetime(),
  format: z.enum(['ndjson', 'parquet']),
  events: z.int().min(0),
  /** SHA-256 of every other file, in hex. */
  files: z.record(z.string().regex(/^[\w.-]+$/), z.string().regex(/^[0-9a-f]{64}$/)),
});

/** The content of an export. The manifest's own hash, from a trusted place, proves every file. */
export type Manifest = z.infer<typeof manifestSchema>;

export type ExportOptions = {
  readonly client: ClickHouseClient;
  /** An empty folder, or one that does not exist yet. */
  readonly dir: string;
  /** Milliseconds since the epoch. Whole segments are exported, so a minute more at either end, or one delivery. */
  readonly from: number;
  readonly to: number;
  readonly format: ExportFormat;
  /** The public key that the gateway signs with, in PEM; see `exportPublicKey`. */
  readonly publicKey: string;
  readonly onProgress?: (events: number) => void;
};

/**
 * Writes a period of the record with its proof: the rows of `holdpoint.events`, their checkpoints, the key and a manifest.
 * Events without a checkpoint are left out.
 * @throws Error for the operator when the folder is not empty, or there is nothing to export
 */
export async function exportRecord(options: ExportOptions): Promise<Manifest> {
  const { client, dir, from, to, format, publicKey, onProgress } = options;
  await mkdir(dir, { recursive: true });
  if ((await readdir(dir)).length > 0) throw new Error(`${dir} is not empty. Name a new folder with --out.`);

  const names: string[] = [];
  const proof: Checkpoint[] = [];
  let events = 0;
  for (const chain of [...(await readExtents(client)).keys()].sort()) {
    for (const window of windowsOf(covering(await readCheckpoints(client, chain), from, to))) {
      const [first, last] = [window[0]!.first, window.at(-1)!.seq];
      const name = `events-${String(names.length + 1).padStart(5, '0')}.${format}`;
      await writeRows(client, join(dir, name), { chain, first, last, format });
      names.push(name);
      proof.push(...window);
      events += last - first + 1;
      onProgress?.(events);
    }
  }
  if (names.length === 0) {
    throw new Error('This period has no signed events. Choose another with --from and --to.');
  }
  await writeFile(join(dir, 'checkpoints.ndjson'), proof.map((each) => `${JSON.stringify(each)}\n`).join(''));
  await writeFile(join(dir, 'public-key.pem'), publicKey);

  const files: Record<string, string> = {};
  for (const name of [...names, 'checkpoints.ndjson', 'public-key.pem']) files[name] = await hashFile(join(dir, name));
  const period = { from: iso(from), to: iso(to) };
  const manifest: Manifest = { holdpoint: 'export-1', ...period, format, events, files };
  await writeFile(join(dir, 'manifest.json'), `${JSON.stringify(manifest, null, 2)}\n`);
  return manifest;
}

/**
 * Reads the manifest of an export and checks every file against it.
 * @throws Error for the operator when a file does not match
 */
export async function readManifest(dir: string): Promise<Manifest> {
  const text = await readFile(join(dir, 'manifest.json'), 'utf8').catch(() => {
    throw new Error(`${dir} holds no export: there is no manifest.json in it.`);
  });
  const manifest = manifestSchema.parse(JSON.parse(text));
  for (const [name, hash] of Object.entries(manifest.files)) {
    const found = await hashFile(join(dir, name)).catch(() => null);
    if (found === null) throw new Error(`${name} is missing from the export.`);
    if (found !== hash) throw new Error(`${name} is not the file that the manifest names: its SHA-256 is ${found}.`);
  }
  return manifest;
}

/** The segments with the events from `from` to `to`. */
function covering(checkpoints: readonly Checkpoint[], from: number, to: number): readonly Checkpoint[] {
  const start = checkpoints.findIndex(({ at }) => at >= from);
  if (start < 0) return [];
  const last = checkpoints.findIndex(({ at }) => at >= to);
  const end = last < 0 ? checkpoints.length : last + 1;
  return checkpoints.slice(start, end);
}

async function writeRows(
  client: ClickHouseClient,
  path: string,
  { chain, first, last, format }: { chain: string; first: number; last: number; format: ExportFormat },
): Promise<void> {
  const { stream } = await client.exec({
    query: `
      SELECT * FROM holdpoint.events
      WHERE chain = {chain:String} AND seq BETWEEN {first:UInt64} AND {last:UInt64}
      ORDER BY seq
      FORMAT ${FORMATS[format]}`,
    query_params: { chain, first, last },
  });
  await pipeline(stream, createWriteStream(path, { flags: 'wx' }));
}

async function hashFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}
