import { fork } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ClickHouseClient } from '@clickhouse/client';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { connectClickHouse } from '../../../audit/clickhouse/clickhouse.ts';
import { migrate } from '../../../audit/clickhouse/migrate.ts';
import { rowHash, START } from '../../../audit/ledger/ledger.ts';
import { SegmentDigest } from '../../../audit/ledger/segment-digest.ts';
import { createOutboxSource } from '../../../audit/ship/outbox-source.ts';
import { listSegments, segmentPath } from '../../../audit/journal/segment.ts';
import type { DeadLetter } from '../../../audit/ship/dead-letters.ts';
import type { ShipperReport } from '../../../audit/ship/shipper.ts';
import { createShipper } from '../../../audit/ship/shipper.ts';
import type { Embedded } from '../../../audit/clickhouse/start-embedded.ts';
import { startEmbedded } from '../../../audit/clickhouse/start-embedded.ts';
import { eventLine } from '../../../audit/journal/event-line.ts';
import type { Event } from '../../../gateway/domain/event.ts';
import { countEvents, event, openTestJournal, SIGNER, temporaryFolder, until, writeEvents } from '../events.ts';

let data: Awaited<ReturnType<typeof temporaryFolder>>;
let embedded: Embedded;
let client: ClickHouseClient;

beforeAll(async () => {
  data = await temporaryFolder();
  embedded = await startEmbedded({ path: join(data.path, 'clickhouse') });
  client = connectClickHouse(embedded);
  await migrate(client);
});

beforeEach(async () => {
  await client.command({ query: 'TRUNCATE TABLE holdpoint.events' });
});

afterAll(async () => {
  await client.close();
  const exited = once(embedded.child, 'exit');
  embedded.child.kill('SIGTERM');
  await exited;
  await data[Symbol.asyncDispose]();
});

test('the shipper delivers journals and the outbox, each event once, and deletes delivered segments', async () => {
  await using folder = await temporaryFolder();
  await writeEvents(join(folder.path, 'worker-1'), 0, 1000, 20_000);
  await writeEvents(join(folder.path, 'control'), 1000, 1100);
  const outbox = { entries: [{ seq: 3, event: event(1100) }] };
  const holds = (home: string) =>
    createOutboxSource({
      name: 'holds',
      outbox: {
        read: async (after) => outbox.entries.filter(({ seq }) => seq > after),
        forget: async (through) => {
          outbox.entries = outbox.entries.filter(({ seq }) => seq > through);
        },
      },
      home,
      node: 'node-1',
      signer: SIGNER,
    });
  const shipper = await createShipper({ dir: folder.path, client, sources: (home) => [holds(home)], rows: 300 });
  await shipper.drain();
  expect(await countEvents(client)).toEqual({ rows: 1101, events: 1101 });
  expect(outbox.entries).toEqual([]);
  expect(await listSegments(join(folder.path, 'worker-1'))).toHaveLength(1);
  const { sources, deadLetters } = await shipper.status();
  expect(deadLetters).toBe(0);
  expect(sources.map(({ name, shipped, lastError }) => [name, shipped, lastError])).toEqual([
    ['holds', 1, null],
    ['control', 100, null],
    ['worker-1', 1000, null],
  ]);
  for (const { behind } of sources) expect(behind.bytes ?? behind.rows).toBe(0);
});

test('a stopped shipper still delivers the last events with drain', async () => {
  await using folder = await temporaryFolder();
  const shipper = await createShipper({ dir: folder.path, client });
  shipper.start();
  await shipper.stop();
  await writeEvents(join(folder.path, 'worker-1'), 0, 10);
  await shipper.drain();
  expect(await countEvents(client)).toEqual({ rows: 10, events: 10 });
});

test('the shipper finds journals that appear later and delivers their events while they are written', async () => {
  await using folder = await temporaryFolder();
  const shipper = await createShipper({ dir: folder.path, client, interval: 20 });
  shipper.start();
  const journal = await openTestJournal(join(folder.path, 'worker-7'));
  journal.append(event(1));
  await expect.poll(() => countEvents(client)).toEqual({ rows: 1, events: 1 });
  journal.append(event(2));
  await expect.poll(() => countEvents(client)).toEqual({ rows: 2, events: 2 });
  await shipper.stop();
  await journal.close();
});

test('the shipper makes room in a full journal', async () => {
  await using folder = await temporaryFolder();
  const journal = await openTestJournal(join(folder.path, 'worker-1'), { limit: 50_000 });
  const shipper = await createShipper({ dir: folder.path, client, interval: 20 });
  let taken = 0;
  const fill = () => {
    for (;;) {
      journal.append(event(taken));
      taken += 1;
    }
  };
  expect(fill).toThrow(expect.objectContaining({ code: 'journal-unavailable' }));
  shipper.start();
  const before = taken;
  await until(() => {
    expect(fill).toThrow(expect.objectContaining({ code: 'journal-unavailable' }));
    return taken > before;
  });
  await journal.close();
  await until(async () => (await countEvents(client)).rows === taken);
  expect((await countEvents(client)).events).toBe(taken);
  await shipper.stop();
});

test('no event is stored twice when the shipper is killed around an insert', async () => {
  await using folder = await temporaryFolder();
  await writeEvents(join(folder.path, 'worker-1'), 0, 1000);
  const script = join(import.meta.dirname, 'ship-child.ts');
  for (const [moment, nth] of [
    ['after', 1],
    ['before', 2],
    ['after', 3],
  ] as const) {
    const args = [folder.path, embedded.url, embedded.password, moment, String(nth)];
    const child = fork(script, args, { execArgv: [] });
    expect(await once(child, 'exit')).toEqual([null, 'SIGKILL']);
  }
  const interrupted = await countEvents(client);
  expect(interrupted.rows).toBeGreaterThan(0);
  expect(interrupted.rows).toBeLessThan(1000);
  const shipper = await createShipper({ dir: folder.path, client, rows: 250 });
  await shipper.drain();
  expect(await countEvents(client)).toEqual({ rows: 1000, events: 1000 });
});

test('no event is stored twice when a new month, and so a new partition, begins before the retry', async () => {
  await using folder = await temporaryFolder();
  await writeEvents(join(folder.path, 'worker-1'), 0, 50);
  const script = join(import.meta.dirname, 'ship-child.ts');
  const args = [folder.path, embedded.url, embedded.password, 'after', '1', '2026-01-31T23:59:59.999Z'];
  const child = fork(script, args, { execArgv: [] });
  expect(await once(child, 'exit')).toEqual([null, 'SIGKILL']);
  const now = Date.parse('2026-02-01T00:00:00.000Z');
  await (await createShipper({ dir: folder.path, client, clock: () => now })).drain();
  expect(await countEvents(client)).toEqual({ rows: 50, events: 50 });
});

test('no event is stored twice or lost when ClickHouse is killed during delivery', async () => {
  await using folder = await temporaryFolder();
  await writeEvents(join(folder.path, 'worker-1'), 0, 12_000);
  const reports: ShipperReport[] = [];
  const onReport = (report: ShipperReport) => reports.push(report);
  const shipper = await createShipper({ dir: folder.path, client, rows: 300, interval: 20, onReport });
  shipper.start();
  const delivered = async () => (await shipper.status()).sources[0]?.shipped ?? 0;
  for (const mark of [900, 4000]) {
    await until(async () => (await delivered()) >= mark);
    const exited = once(embedded.child, 'exit');
    embedded.child.kill('SIGKILL');
    await exited;
    await until(async () => (await shipper.status()).sources[0]?.lastError !== null);
    const { port, password } = embedded;
    embedded = await startEmbedded({ path: join(data.path, 'clickhouse'), port, password });
  }
  await until(async () => (await delivered()) === 12_000);
  await shipper.stop();
  expect(await countEvents(client)).toEqual({ rows: 12_000, events: 12_000 });
  expect(reports.map(({ type }) => type)).toEqual(['stalled', 'resumed', 'stalled', 'resumed']);
});

test('ClickHouse gets the same journal twice only if it comes from two data folders', async () => {
  for (const expected of [50, 100]) {
    await using folder = await temporaryFolder();
    await writeEvents(join(folder.path, 'worker-1'), 0, 50);
    await (await createShipper({ dir: folder.path, client })).drain();
    expect(await countEvents(client)).toEqual({ rows: expected, events: 50 });
  }
});

test('the shipper keeps rows that ClickHouse refuses as dead letters and delivers the rest', async () => {
  await using folder = await temporaryFolder();
  const journal = await openTestJournal(join(folder.path, 'worker-1'));
  const bad = new Set([0, 41, 42, 99]);
  for (let n = 0; n < 100; n++) {
    journal.append(bad.has(n) ? event(n, { status: 'none' as unknown as number }) : event(n));
  }
  await journal.close();
  const reports: ShipperReport[] = [];
  const onReport = (report: ShipperReport) => reports.push(report);
  const shipper = await createShipper({ dir: folder.path, client, onReport });
  await shipper.drain();
  expect(await countEvents(client)).toEqual({ rows: 96, events: 96 });
  expect(reports.map(({ type }) => type)).toEqual(['dead-letter', 'dead-letter', 'dead-letter', 'dead-letter']);
  expect((await shipper.status()).deadLetters).toBe(4);
  const deadLetters = join(folder.path, 'poison');
  const aside = await Promise.all(
    (await readdir(deadLetters)).map((name) => readFile(join(deadLetters, name), 'utf8')),
  );
  const letters = aside.map((text) => JSON.parse(text) as DeadLetter);
  expect(letters.map(({ seq }) => seq).sort((a, b) => a - b)).toEqual([...bad].map((n) => n + 1));
  const events = letters.map(({ event }) => (JSON.parse(event) as Event).event_id).sort();
  expect(events).toEqual([...bad].map((n) => event(n).event_id));
  expect(letters[0]!.error).toContain('status');
});

test('the shipper repeats the search for bad rows after a crash and stores no row twice', async () => {
  await using folder = await temporaryFolder();
  const journal = await openTestJournal(join(folder.path, 'worker-1'));
  for (let n = 0; n < 64; n++) journal.append(n === 50 ? event(n, { status: 'none' as unknown as number }) : event(n));
  await journal.close();
  const script = join(import.meta.dirname, 'ship-child.ts');
  for (const moment of ['after', 'before', 'after']) {
    const child = fork(script, [folder.path, embedded.url, embedded.password, moment, '2'], { execArgv: [] });
    expect(await once(child, 'exit')).toEqual([null, 'SIGKILL']);
  }
  const shipper = await createShipper({ dir: folder.path, client });
  await shipper.drain();
  expect(await countEvents(client)).toEqual({ rows: 63, events: 63 });
  expect((await shipper.status()).deadLetters).toBe(1);
});

test('the shipper delivers events before and after damage in a journal, and reports the damage', async () => {
  await using folder = await temporaryFolder();
  const dir = join(folder.path, 'worker-1');
  await writeEvents(dir, 0, 10);
  const [first] = await listSegments(dir);
  await writeEvents(dir, 10, 20);
  const bytes = await readFile(segmentPath(dir, first!));
  bytes[500]! ^= 1;
  await writeFile(segmentPath(dir, first!), bytes);
  const reports: ShipperReport[] = [];
  const recorded: unknown[] = [];
  const shipper = await createShipper({
    dir: folder.path,
    client,
    onReport: (report) => reports.push(report),
    record: (type, fields) => recorded.push({ type, ...fields }),
  });
  await shipper.drain();
  expect((await countEvents(client)).rows).toBeGreaterThan(10);
  expect(reports).toMatchObject([{ type: 'damage', source: 'worker-1', damage: { kind: 'corrupt', segment: first } }]);
  const reason = expect.stringContaining(`segment ${first} of the journal worker-1`);
  expect(recorded).toEqual([{ type: 'journal.damaged', reason, failure: 'gateway-failed' }]);
});

test('each row arrives with its chain, number and hash, followed by the checkpoints that sign for them', async () => {
  await using folder = await temporaryFolder();
  await writeEvents(join(folder.path, 'worker-1'), 0, 30);
  await (await createShipper({ dir: folder.path, client, rows: 7, clock: () => 1_790_000_000_123 })).drain();
  const ask = async (query: string) =>
    (await client.query({ query, format: 'JSONEachRow' })).json<{ chain: string; seq: number; hash: string }>();
  const rows = await ask(
    `SELECT chain, toUInt32(seq) AS seq, hash, toUnixTimestamp64Milli(shipped_at) = 1790000000123 AS arrived
    FROM holdpoint.events ORDER BY seq`,
  );
  const { chain } = rows[0]!;
  expect(rows).toEqual(
    Array.from({ length: 30 }, (_, n) => ({
      chain,
      seq: n + 1,
      hash: rowHash(n + 1, eventLine(event(n))),
      arrived: 1,
    })),
  );
  const [checkpoint] = await ask(
    `SELECT chain, toUInt32(seq) AS seq, hash FROM holdpoint.checkpoints WHERE chain = '${chain}'`,
  );
  const digest = new SegmentDigest(START);
  for (let n = 0; n < 30; n++) digest.add(Buffer.from(`${eventLine(event(n))}\n`), 1);
  expect(checkpoint).toEqual({ chain, seq: 30, hash: digest.summary().hash });
});

test('the shipper waits between small batches', async () => {
  await using folder = await temporaryFolder();
  const journal = await openTestJournal(join(folder.path, 'worker-1'));
  journal.append(event(0));
  await journal.flushed();
  const shipper = await createShipper({ dir: folder.path, client, interval: 600_000 });
  shipper.start();
  await until(async () => (await shipper.status()).sources[0]?.shipped === 1);
  journal.append(event(1));
  await journal.close();
  expect((await shipper.status()).sources).toMatchObject([{ shipped: 1, behind: { rows: 1 } }]);
  await shipper.stop();
  await shipper.drain();
  expect(await countEvents(client)).toEqual({ rows: 2, events: 2 });
});
