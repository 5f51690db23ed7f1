import { fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openJournal } from '../../audit/journal.ts';
import type { Damage } from '../../audit/journal-reader.ts';
import { readRecords } from '../../audit/journal-reader.ts';
import { listSegments, segmentPath } from '../../audit/segment.ts';
import { event, temporaryFolder, until, writeEvents } from './ledger.ts';

const LIMIT = 2 ** 30;

/** Ids of all events in `dir`, in order. */
async function idsIn(dir: string): Promise<string[]> {
  const ids: string[] = [];
  for (const segment of await listSegments(dir)) {
    const { records } = await readRecords(segmentPath(dir, segment), 0);
    for (const record of records) ids.push((JSON.parse(record.toString()) as { event_id: string }).event_id);
  }
  return ids;
}

async function writeAt(path: string, position: number, bytes: Buffer): Promise<void> {
  const handle = await open(path, 'r+');
  await handle.write(bytes, 0, bytes.length, position).finally(() => handle.close());
}

const ids = (from: number, to: number) => Array.from({ length: to - from }, (_, n) => event(from + n).event_id);

test('has every event on disk, in order, when flushed resolves', async () => {
  await using folder = await temporaryFolder();
  const journal = await openJournal({ dir: folder.path, limit: LIMIT });
  for (let n = 0; n < 3; n++) journal.append(event(n));
  await journal.flushed();
  expect(await idsIn(folder.path)).toEqual(ids(0, 3));
  await journal.close();
});

test('commits an event soon although nobody waits for it', async () => {
  await using folder = await temporaryFolder();
  const journal = await openJournal({ dir: folder.path, limit: LIMIT });
  journal.append(event(0));
  await expect.poll(() => idsIn(folder.path)).toEqual(ids(0, 1));
  await journal.close();
});

test('keeps the order of events appended while commits are under way, and of large ones', async () => {
  await using folder = await temporaryFolder();
  const journal = await openJournal({ dir: folder.path, limit: LIMIT, segmentSize: 200_000 });
  const waits: Promise<void>[] = [];
  for (let n = 0; n < 500; n++) {
    journal.append(event(n, { reason: 'é'.repeat(n * 3) }));
    if (n % 7 === 0) waits.push(journal.flushed());
    if (n % 50 === 0) await journal.flushed();
  }
  await Promise.all(waits);
  await journal.close();
  expect(await idsIn(folder.path)).toEqual(ids(0, 500));
  expect((await listSegments(folder.path)).length).toBeGreaterThan(2);
});

test('loses nothing that was promised when its process is killed', async () => {
  await using folder = await temporaryFolder();
  const child = fork(join(import.meta.dirname, 'journal-child.ts'), [folder.path], { execArgv: [] });
  let promised = 0;
  child.on('message', (n: number) => (promised = n));
  await until(() => promised > 300);
  child.kill('SIGKILL');
  await once(child, 'exit');
  expect((await idsIn(folder.path)).slice(0, promised)).toEqual(ids(0, promised));
});

test('starts a new segment at every opening and never uses a number twice', async () => {
  await using folder = await temporaryFolder();
  await writeEvents(folder.path, 0, 2);
  const first = await listSegments(folder.path);
  // As the shipper does: all but the last are deleted.
  for (const segment of first.slice(0, -1)) await rm(segmentPath(folder.path, segment));
  const journal = await openJournal({ dir: folder.path, limit: LIMIT });
  expect(journal.status().segment).toBeGreaterThan(first.at(-1)!);
  await journal.close();
});

test('cuts the torn tail of an earlier opening and keeps it aside', async () => {
  await using folder = await temporaryFolder();
  const journal = await openJournal({ dir: folder.path, limit: LIMIT });
  journal.append(event(0));
  await journal.flushed();
  const torn = segmentPath(folder.path, journal.status().segment);
  const size = journal.status().bytes;
  await writeAt(torn, size, Buffer.from([200, 0, 0, 0, 1, 2, 3, 4, 123]));
  const damages: Damage[] = [];
  const next = await openJournal({ dir: folder.path, limit: LIMIT, onDamage: (damage) => damages.push(damage) });
  expect((await stat(torn)).size).toBe(size);
  expect(damages).toMatchObject([{ kind: 'torn', offset: size, bytes: 9 }]);
  expect(await readdir(join(folder.path, 'damaged'))).toHaveLength(1);
  await next.close();
  await journal.close();
});

test('takes back the room that a crashed writer had prepared, which is no damage', async () => {
  await using folder = await temporaryFolder();
  const journal = await openJournal({ dir: folder.path, limit: LIMIT });
  journal.append(event(0));
  await journal.flushed();
  const left = segmentPath(folder.path, journal.status().segment);
  const size = journal.status().bytes;
  expect((await stat(left)).size).toBeGreaterThan(size);
  const damages: Damage[] = [];
  const next = await openJournal({ dir: folder.path, limit: LIMIT, onDamage: (damage) => damages.push(damage) });
  expect((await stat(left)).size).toBe(size);
  expect(damages).toEqual([]);
  await next.close();
  await journal.close();
});

test('refuses events when it is full, changes nothing, and takes them again once segments were deleted', async () => {
  await using folder = await temporaryFolder();
  const journal = await openJournal({ dir: folder.path, limit: 20_000, segmentSize: 10_000 });
  let taken = 0;
  const fill = async () => {
    for (;;) {
      journal.append(event(taken));
      taken += 1;
      await journal.flushed();
    }
  };
  await expect(fill()).rejects.toMatchObject({ code: 'journal-unavailable', status: 503 });
  expect(journal.status().full).toBe(true);
  expect(await idsIn(folder.path)).toEqual(ids(0, taken));
  // Being full seals the open segment, so that all of it can be shipped and deleted.
  const accepted = () => {
    try {
      journal.append(event(taken));
      return true;
    } catch {
      return false;
    }
  };
  const last = journal.status().segment;
  await until(() => {
    expect(accepted()).toBe(false);
    return journal.status().segment > last;
  });
  for (const segment of (await listSegments(folder.path)).slice(0, -1)) await rm(segmentPath(folder.path, segment));
  await until(accepted);
  await journal.flushed();
  expect(await idsIn(folder.path)).toEqual(ids(taken, taken + 1));
  await journal.close();
});

test('seals a segment by age, so that a quiet journal can be shipped and deleted', async () => {
  await using folder = await temporaryFolder();
  const journal = await openJournal({ dir: folder.path, limit: LIMIT, maxAge: 50 });
  const first = journal.status().segment;
  journal.append(event(0));
  await journal.flushed();
  await expect.poll(() => journal.status().segment).toBeGreaterThan(first);
  await journal.close();
});

test('promises nothing while no segment can be opened, and goes on once one can', async () => {
  await using folder = await temporaryFolder();
  const dir = join(folder.path, 'journal');
  const errors: number[] = [];
  const journal = await openJournal({ dir, limit: LIMIT, segmentSize: 1, onError: (_, lost) => errors.push(lost) });
  journal.append(event(0));
  await journal.flushed();
  await rename(dir, `${dir}-away`);
  journal.append(event(1));
  await expect(journal.flushed()).rejects.toMatchObject({ code: 'journal-unavailable' });
  expect(() => journal.append(event(2))).toThrow(expect.objectContaining({ code: 'journal-unavailable' }));
  await expect(journal.flushed()).rejects.toMatchObject({ code: 'journal-unavailable' });
  expect(errors).toEqual([1]);
  await rename(`${dir}-away`, dir);
  await until(() => journal.status().fault === null);
  journal.append(event(3));
  await journal.flushed();
  await journal.close();
  expect(await idsIn(dir)).toEqual([...ids(0, 1), ...ids(3, 4)]);
});

test('promises nothing that a failing write left half on disk', async () => {
  await using folder = await temporaryFolder();
  const dir = join(folder.path, 'journal');
  await mkdir(dir);
  // The limit on file sizes, in units of 512 bytes, makes a real write fail in the middle of a segment.
  const script = join(import.meta.dirname, 'journal-child.ts');
  const child = spawn('sh', ['-c', 'ulimit -f 2500; exec "$0" "$@"', process.execPath, script, dir, '1200'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  await once(child, 'close');
  const { promised, refused } = JSON.parse(output) as { promised: string[]; refused: string[] };
  expect(refused.length).toBeGreaterThan(0);
  expect(promised.length).toBeGreaterThan(refused.length);
  expect(await idsIn(dir)).toEqual(promised);
});

test('refuses events after it was closed', async () => {
  await using folder = await temporaryFolder();
  const journal = await openJournal({ dir: folder.path, limit: LIMIT });
  journal.append(event(0));
  await journal.close();
  expect(await idsIn(folder.path)).toEqual(ids(0, 1));
  expect(() => journal.append(event(1))).toThrow(expect.objectContaining({ code: 'journal-unavailable' }));
});
