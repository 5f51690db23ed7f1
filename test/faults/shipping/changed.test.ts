import { cp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { ClickHouseClient } from '@clickhouse/client';
import { connectClickHouse } from '../../../audit/clickhouse/clickhouse.ts';
import type { Journal } from '../../../gateway/domain/journal.ts';
import { createShipper, type Shipper, type ShipperReport } from '../../../audit/ship/shipper.ts';
import { startEmbedded, type Embedded } from '../../../audit/clickhouse/start-embedded.ts';
import { event, openTestJournal, temporaryFolder } from '../../audit/events.ts';
import { ended } from './engine.ts';

/** A journal that is still being written, and its shipper, over several ClickHouses at one address. */
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let embedded: Embedded;
let client: ClickHouseClient;
let journal: Journal;
let reports: ShipperReport[];
let written: number;

beforeEach(async () => {
  folder = await temporaryFolder();
  embedded = await startEmbedded({ path: join(folder.path, 'clickhouse') });
  client = connectClickHouse(embedded);
  journal = await openTestJournal(join(folder.path, 'journal', 'worker-1'));
  reports = [];
  written = 0;
});

afterEach(async () => {
  await journal.close();
  await client.close();
  await ended(embedded.child, 'SIGTERM');
  await folder[Symbol.asyncDispose]();
});

const openShipper = () =>
  createShipper({
    dir: join(folder.path, 'journal'),
    client,
    rows: 10,
    onReport: (report) => reports.push(report),
  });

async function deliver(shipper: Shipper, count: number): Promise<void> {
  for (let n = 0; n < count; n++) journal.append(event(written++));
  await journal.flushed();
  await shipper.drain();
}

/** Replaces the engine by another one at the same address, on the folder that `change` has prepared. */
async function replace(change: (path: string) => Promise<void>): Promise<void> {
  const { port, password } = embedded;
  const path = join(folder.path, 'clickhouse');
  await ended(embedded.child, 'SIGTERM');
  await change(path);
  embedded = await startEmbedded({ path, port, password });
}

const empty = (path: string) => rm(path, { recursive: true });

async function seqs(): Promise<number[]> {
  const result = await client.query({
    query: 'SELECT toUInt32(seq) AS seq FROM holdpoint.events ORDER BY seq',
    format: 'JSONEachRow',
  });
  return (await result.json<{ seq: number }>()).map(({ seq }) => seq);
}

const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, n) => from + n);

test('an empty ClickHouse gets all later events, and none that the old ClickHouse has', async () => {
  const shipper = await openShipper();
  await deliver(shipper, 25);
  await replace(empty);
  await expect(deliver(shipper, 5)).rejects.toThrow();
  await shipper.drain();
  expect(await seqs()).toEqual(range(26, 30));
  expect(reports).toMatchObject([{ type: 'replaced', source: 'worker-1', through: 25 }]);
  await deliver(await openShipper(), 5);
  expect(await seqs()).toEqual(range(26, 35));
  expect(reports).toHaveLength(1);
});

test('a batch that was planned for one ClickHouse goes once to its successor', async () => {
  const shipper = await openShipper();
  await deliver(shipper, 25);
  const { port, password } = embedded;
  await ended(embedded.child, 'SIGTERM');
  await expect(deliver(shipper, 12)).rejects.toThrow();
  await empty(join(folder.path, 'clickhouse'));
  embedded = await startEmbedded({ path: join(folder.path, 'clickhouse'), port, password });
  await deliver(await openShipper(), 1);
  expect(await seqs()).toEqual(range(26, 38));
});

test('a ClickHouse restored from a backup is sent the events it lost that the journal still has, each once', async () => {
  const shipper = await openShipper();
  await deliver(shipper, 12);
  const [backup, path] = [join(folder.path, 'backup'), join(folder.path, 'clickhouse')];
  await replace(async () => await copy(path, backup));
  await deliver(shipper, 23);
  await replace(async () => {
    await empty(path);
    await copy(backup, path);
  });
  const next = await openShipper();
  await deliver(next, 5);
  expect(reports).toMatchObject([{ type: 'rolled-back', source: 'worker-1', from: 13, to: 35 }]);
  expect(await seqs()).toEqual(range(1, 40));
  await deliver(await openShipper(), 5);
  expect(await seqs()).toEqual(range(1, 45));
  expect(reports).toHaveLength(1);
});

test('events that neither ClickHouse nor the journal has any more are reported', async () => {
  const shipper = await openShipper();
  await deliver(shipper, 12);
  const [backup, path] = [join(folder.path, 'backup'), join(folder.path, 'clickhouse')];
  await replace(async () => await copy(path, backup));
  await deliver(shipper, 8);
  // Delivered events leave the journal with their segment.
  await journal.close();
  journal = await openTestJournal(join(folder.path, 'journal', 'worker-1'));
  await deliver(shipper, 10);
  await replace(async () => {
    await empty(path);
    await copy(backup, path);
  });
  await deliver(await openShipper(), 5);
  expect(reports).toMatchObject([
    { type: 'rolled-back', from: 13, to: 30 },
    { type: 'missing', from: 13, to: 20 },
  ]);
  expect(await seqs()).toEqual([...range(1, 12), ...range(21, 35)]);
});

async function copy(from: string, to: string): Promise<void> {
  await cp(from, to, { recursive: true });
}
