import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ClickHouseClient } from '@clickhouse/client';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connectClickHouse } from '../../../audit/clickhouse/clickhouse.ts';
import { exportRecord, type ExportFormat } from '../../../audit/ledger/export.ts';
import { createSigner, keyId } from '../../../audit/ledger/ledger.ts';
import { migrate } from '../../../audit/clickhouse/migrate.ts';
import { startEmbedded, type Embedded } from '../../../audit/clickhouse/start-embedded.ts';
import { verifyExport } from '../../../audit/ledger/verify-export.ts';
import type { Event } from '../../../gateway/domain/event.ts';
import { tempFolder, type TempFolder } from '../../helpers/folder.ts';
import { writeRecord } from './record.ts';

const MINUTE = 60_000;
const START_AT = Date.parse('2026-11-01T08:00:00Z');
const { publicKey, privateKey } = generateKeyPairSync('ed25519');
const keys = new Map([[keyId(publicKey), publicKey]]);
const pem = publicKey.export({ type: 'spki', format: 'pem' }) as string;

let folder: TempFolder;
let engine: Embedded;
let client: ClickHouseClient;

/** Ten segments, a minute each, of two chains. */
beforeAll(async () => {
  folder = tempFolder();
  engine = await startEmbedded({ path: join(folder.path, 'clickhouse') });
  client = connectClickHouse(engine);
  await migrate(client);
  for (const _ of [1, 2]) {
    const segments = Array.from({ length: 10 }, (__, n) => [0, 1, 2].map((m) => event(n, m)));
    await writeRecord(client, { chain: randomUUID(), signer: createSigner(privateKey), segments });
  }
});
afterAll(async () => {
  await client.close();
  engine.child.kill('SIGKILL');
  folder.remove();
});

function event(minute: number, n: number): Event {
  return {
    event_id: `evt_${minute}_${n}`,
    at: START_AT + minute * MINUTE + n * 1000,
    node: 'gw-1',
    type: 'call.decided',
    layer: 'decide',
    agent: 'billing-bot',
    owner: 'ana@example.com',
    rules: ['rules.payments/small-refund'],
    confidence: 0.5,
    reason: 'naïve "quote" \\ /',
    version: 1 + (n % 2),
    input: '{"action": {"amount":1.00,"id":123456789012345678901234567890}}',
  };
}

function write(name: string, format: ExportFormat, from = START_AT + 3 * MINUTE, to = START_AT + 6 * MINUTE) {
  const dir = join(folder.path, name);
  return { dir, manifest: exportRecord({ client, dir, from, to, format, publicKey: pem }) };
}

describe.each(['ndjson', 'parquet'] as const)('an export as %s', (format) => {
  test('an export has whole segments around the period, and can be verified without the gateway', async () => {
    const { dir, manifest } = write(`whole-${format}`, format);
    const { events, files } = await manifest;
    expect(events).toBe(2 * 4 * 3);
    expect(readdirSync(dir).sort()).toEqual([...Object.keys(files), 'manifest.json'].sort());
    const { reports } = await verifyExport(dir, keys);
    expect(reports).toHaveLength(2);
    for (const report of reports) expect(report).toMatchObject({ verified: 12, unsigned: 0, breaks: [] });
  });
});

test('a changed row in an export is found, even with a rewritten manifest', async () => {
  const { dir, manifest } = write('changed', 'ndjson');
  await manifest;
  const path = join(dir, 'events-00001.ndjson');
  writeFileSync(path, readFileSync(path, 'utf8').replace('"call.decided"', '"call.refused"'));
  await expect(verifyExport(dir, keys)).rejects.toThrow('events-00001.ndjson is not the file that the manifest names');

  const { hash } = await import('node:crypto');
  const rewritten = JSON.parse(readFileSync(join(dir, 'manifest.json'), 'utf8'));
  rewritten.files['events-00001.ndjson'] = hash('sha256', readFileSync(path), 'hex');
  writeFileSync(join(dir, 'manifest.json'), JSON.stringify(rewritten));
  const { reports } = await verifyExport(dir, keys);
  expect(reports.flatMap(({ breaks }) => breaks)).toMatchObject([{ kind: 'changed', first: 10, event: 'evt_3_0' }]);
});

test('an export that another key signed is not trusted', async () => {
  const { dir, manifest } = write('other-key', 'ndjson');
  await manifest;
  const { publicKey: other } = generateKeyPairSync('ed25519');
  const { reports } = await verifyExport(dir, new Map([[keyId(other), other]]));
  for (const { breaks } of reports) expect(breaks[0]).toMatchObject({ kind: 'forged' });
});

test('an export needs an empty folder, and is never empty', async () => {
  const { manifest } = write('whole-ndjson', 'ndjson');
  await expect(manifest).rejects.toThrow('is not empty');
  const late = write('late', 'ndjson', START_AT + 24 * 3_600_000, START_AT + 25 * 3_600_000);
  await expect(late.manifest).rejects.toThrow('This period has no signed events');
});
