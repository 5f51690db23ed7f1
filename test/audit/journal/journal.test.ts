import { fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFile, mkdir, open, readdir, rename, rm, stat, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { listSegments, segmentPath } from '../../../audit/journal/segment.ts';
import { framesOf } from '../../../audit/journal/segment-reader.ts';
import type { Event } from '../../../gateway/domain/event.ts';
import { numbered, readAll, sourceOf, verifyChain } from './chains.ts';
import { event, openTestJournal, temporaryFolder, until, writeEvents } from '../events.ts';

const SCRIPT = join(import.meta.dirname, 'journal-child.ts');

/** Ids of all events in `dir`, in order, by the frames alone. */
async function idsIn(dir: string): Promise<string[]> {
  const ids: string[] = [];
  for (const segment of await listSegments(dir)) {
    for await (const frame of framesOf(segmentPath(dir, segment))) {
      if (frame.kind !== 'events') continue;
      for (const line of frame.payload.toString().trimEnd().split('\n')) ids.push((JSON.parse(line) as Event).event_id);
    }
  }
  return ids;
}

const ids = (from: number, to: number) => Array.from({ length: to - from }, (_, n) => event(from + n).event_id);
const idsOf = (lines: Iterable<string>) => [...lines].map((line) => (JSON.parse(line) as Event).event_id);

test('a journal has every event on disk, in order, when flushed resolves', async () => {
  await using folder = await temporaryFolder();
  const journal = await openTestJournal(folder.path);
  for (let n = 0; n < 3; n++) journal.append(event(n));
  await journal.flushed();
  expect(await idsIn(folder.path)).toEqual(ids(0, 3));
  await journal.close();
});

test('a journal commits an event soon even if no caller waits for it', async () => {
  await using folder = await temporaryFolder();
  const journal = await openTestJournal(folder.path);
  journal.append(event(0));
  await expect.poll(() => idsIn(folder.path)).toEqual(ids(0, 1));
  await journal.close();
});

test('a journal keeps the order of events that are appended during commits, and of large ones', async () => {
  await using folder = await temporaryFolder();
  const journal = await openTestJournal(folder.path, { segmentSize: 200_000 });
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

test('a journal refuses an event that is too large, and changes nothing', async () => {
  await using folder = await temporaryFolder();
  const journal = await openTestJournal(folder.path);
  journal.append(event(0));
  expect(() => journal.append(event(1, { reason: 'x'.repeat(2 ** 20) }))).toThrow(
    expect.objectContaining({ code: 'journal-unavailable' }),
  );
  journal.append(event(2));
  await journal.close();
  expect(await idsIn(folder.path)).toEqual([...ids(0, 1), ...ids(2, 3)]);
});

test('a journal numbers its events without a gap over restarts, in one chain with checkpoints up to its end', async () => {
  await using folder = await temporaryFolder();
  await writeEvents(folder.path, 0, 250, 10_000);
  await writeEvents(folder.path, 250, 250);
  await writeEvents(folder.path, 250, 300);
  const batches = await readAll(sourceOf(folder.path).source);
  const lines = numbered(batches);
  expect(new Set(batches.map(({ chain }) => chain)).size).toBe(1);
  expect([...lines.keys()]).toEqual(Array.from({ length: 300 }, (_, n) => `${batches[0]!.chain} ${n + 1}`));
  expect(verifyChain(batches)).toBe(300);
});

test('a journal keeps every promised event when its process is killed again and again, and continues its chain', async () => {
  await using folder = await temporaryFolder();
  const promised: string[] = [];
  for (let round = 0; round < 6; round++) {
    const child = fork(SCRIPT, [folder.path], { execArgv: [] });
    let count = 0;
    child.on('message', (n: number) => (count = n));
    await until(() => count > 40 * round);
    child.kill('SIGKILL');
    await once(child, 'exit');
    promised.push(...ids(0, count));
  }
  await (await openTestJournal(folder.path)).close();
  const { source, damages } = sourceOf(folder.path);
  const batches = await readAll(source);
  expect(damages.filter(({ kind }) => kind !== 'torn')).toEqual([]);
  expect(new Set(batches.map(({ chain }) => chain)).size).toBe(1);
  const lines = numbered(batches);
  expect(verifyChain(batches)).toBe(lines.size);
  // Every round begins with the same events, so some are kept several times.
  const kept = Map.groupBy(idsOf(lines.values()), (id) => id);
  const wanted = Map.groupBy(promised, (id) => id);
  expect([...wanted].filter(([id, times]) => (kept.get(id)?.length ?? 0) < times.length)).toEqual([]);
});

test('a journal starts a new segment at every opening and never reuses a segment number', async () => {
  await using folder = await temporaryFolder();
  await writeEvents(folder.path, 0, 2);
  const first = await listSegments(folder.path);
  // As the shipper does: all but the last are deleted.
  for (const segment of first.slice(0, -1)) await rm(segmentPath(folder.path, segment));
  const journal = await openTestJournal(folder.path);
  expect(journal.status().segment).toBeGreaterThan(first.at(-1)!);
  journal.append(event(2));
  await journal.close();
  const batches = await readAll(sourceOf(folder.path).source);
  expect([...numbered(batches).keys()]).toEqual([`${batches[0]!.chain} 3`]);
});

test('a journal continues after the unfinished write of a killed process, which is set aside', async () => {
  await using folder = await temporaryFolder();
  const killed = await openTestJournal(folder.path);
  killed.append(event(0));
  await killed.flushed();
  const path = segmentPath(folder.path, killed.status().segment);
  const end = await endOfFrames(path);
  await writeAt(path, end, Buffer.from('unfinished'));
  await writeEvents(folder.path, 1, 2);
  const { source, damages } = sourceOf(folder.path);
  const batches = await readAll(source);
  expect(idsOf(numbered(batches).values())).toEqual(ids(0, 2));
  expect(verifyChain(batches)).toBe(2);
  expect(damages).toMatchObject([{ kind: 'torn', offset: end, bytes: 10, missing: null }]);
  expect(await readdir(join(folder.path, 'damaged'))).toHaveLength(1);
  await killed.close();
});

test('a journal removes the zeros that a killed process had prepared, which are no damage', async () => {
  await using folder = await temporaryFolder();
  const killed = await openTestJournal(folder.path);
  killed.append(event(0));
  await killed.flushed();
  const path = segmentPath(folder.path, killed.status().segment);
  expect((await stat(path)).size).toBeGreaterThan(await endOfFrames(path));
  const next = await openTestJournal(folder.path);
  expect((await stat(path)).size).toBe(await endOfFrames(path));
  await next.close();
  const { source, damages } = sourceOf(folder.path);
  expect(idsOf(numbered(await readAll(source)).values())).toEqual(ids(0, 1));
  expect(damages).toEqual([]);
  await killed.close();
});

test.each([
  ['cut', (path: string) => truncate(path, 700)],
  ['of an unknown format', (path: string) => appendFile(path, 'x', { flag: 'w' })],
  ['empty', (path: string) => truncate(path, 0)],
])('a journal begins a new chain after a segment that is %s, and the reader says so', async (_how, spoil) => {
  await using folder = await temporaryFolder();
  const killed = await openTestJournal(folder.path);
  for (let n = 0; n < 5; n++) {
    killed.append(event(n));
    await killed.flushed();
  }
  const before = sourceOf(folder.path);
  const delivered = await readAll(before.source);
  await killed.close();
  const [first, ...others] = await listSegments(folder.path);
  for (const segment of others) await rm(segmentPath(folder.path, segment));
  await spoil(segmentPath(folder.path, first!));
  await writeEvents(folder.path, 5, 6);

  const rest = await before.source.next(delivered.at(-1)!.to);
  expect(rest).toMatchObject({ first: 1 });
  expect(rest!.rows).toHaveLength(1);
  expect(rest!.chain).not.toBe(delivered[0]!.chain);
  const told = { chain: delivered[0]!.chain, first: 6, last: null };
  expect(before.damages).toMatchObject([{ kind: 'corrupt', missing: told }]);
});

test('a full journal refuses events, changes nothing, and takes them again once segments are deleted', async () => {
  await using folder = await temporaryFolder();
  const journal = await openTestJournal(folder.path, { limit: 20_000, segmentSize: 10_000 });
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

test('a full journal takes events again once segments are deleted, even if the clock was put back', async () => {
  await using folder = await temporaryFolder();
  let now = event(0).at;
  const journal = await openTestJournal(folder.path, { limit: 20_000, segmentSize: 10_000, clock: () => now });
  const append = async () => {
    journal.append(event(0));
    await journal.flushed();
    return true;
  };
  await until(() =>
    append()
      .catch(() => journal.status().full)
      .then((full) => full && journal.status().full),
  );
  now -= 3_600_000;
  await until(async () => {
    const taken = await append().catch(() => false);
    for (const segment of (await listSegments(folder.path)).slice(0, -1)) await rm(segmentPath(folder.path, segment));
    return taken;
  });
  expect(journal.status().full).toBe(false);
  await journal.close();
});

const read = { verdict: 'allow', method: 'GET' } as const;

test('a full journal sheds only allowed reads where configured, and records their number', async () => {
  await using folder = await temporaryFolder();
  const journal = await openTestJournal(folder.path, { limit: 20_000, segmentSize: 10_000, whenFull: 'drop-reads' });
  let taken = 0;
  for (; journal.status().shed === 0; taken++) {
    journal.append(event(taken, read));
    await journal.flushed();
  }
  taken -= 1;
  journal.append(event(0, { ...read, type: 'call.completed' }));
  for (const other of [
    { verdict: 'allow', method: 'POST' },
    { verdict: 'block', method: 'GET' },
    { verdict: 'hold', method: 'GET' },
    { ...read, type: 'call.refused' },
    { verdict: 'allow' },
  ] as const) {
    expect(() => journal.append(event(0, other))).toThrow(expect.objectContaining({ code: 'journal-unavailable' }));
  }
  expect(journal.status()).toMatchObject({ shed: 2, full: true, appended: taken });
  // Without anybody asking for it.
  await until(async () => {
    if ((await idsIn(folder.path)).length === 1) return true;
    for (const segment of (await listSegments(folder.path)).slice(0, -1)) await rm(segmentPath(folder.path, segment));
    return false;
  });
  journal.append(event(taken));
  await journal.close();
  const [told, next] = [...numbered(await readAll(sourceOf(folder.path).source)).values()].map(
    (line) => JSON.parse(line) as Event,
  );
  expect(told).toMatchObject({ type: 'journal.shed', failure: 'gateway-failed', node: 'node-1' });
  expect(told!.reason).toMatch(/^2 events/);
  expect(next).toMatchObject({ event_id: event(taken).event_id });
});

test('a full journal records the number of shed reads before it closes', async () => {
  await using folder = await temporaryFolder();
  const journal = await openTestJournal(folder.path, { limit: 5_000, whenFull: 'drop-reads' });
  for (let n = 0; journal.status().shed < 3; n++) {
    journal.append(event(n, read));
    await journal.flushed();
  }
  await journal.close();
  const lines = [...numbered(await readAll(sourceOf(folder.path).source)).values()];
  expect(lines.at(-1)).toContain('"reason":"3 events of allowed reads');
});

test('a quiet journal seals its segment by age, so that it is signed, shipped and deleted', async () => {
  await using folder = await temporaryFolder();
  const journal = await openTestJournal(folder.path, { maxAge: 50 });
  journal.append(event(0));
  await journal.flushed();
  const { source } = sourceOf(folder.path);
  await until(async () => (await readAll(source)).some(({ checkpoints }) => checkpoints.length > 0));
  expect(verifyChain(await readAll(source))).toBe(1);
  await journal.close();
});

test('a journal promises nothing while no segment can be opened, and continues once one can', async () => {
  await using folder = await temporaryFolder();
  const dir = join(folder.path, 'journal');
  const errors: number[] = [];
  const journal = await openTestJournal(dir, { segmentSize: 1, onError: (_, lost) => errors.push(lost) });
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
  const batches = await readAll(sourceOf(dir).source);
  expect(idsOf(numbered(batches).values())).toEqual([...ids(0, 1), ...ids(3, 4)]);
  expect(verifyChain(batches)).toBe(2);
});

test('a journal that reopens after a failure opens only one segment, even if the failed one comes of age meanwhile', async () => {
  await using folder = await temporaryFolder();
  const dir = join(folder.path, 'journal');
  const maxAge = 100;
  const errors: number[] = [];
  const journal = await openTestJournal(dir, { segmentSize: 1, maxAge, onError: (_, lost) => errors.push(lost) });
  journal.append(event(0));
  await journal.flushed();
  await rename(dir, `${dir}-away`);
  journal.append(event(1));
  await expect(journal.flushed()).rejects.toMatchObject({ code: 'journal-unavailable' });
  const failedAt = performance.now();
  await until(() => performance.now() - failedAt > 2 * maxAge);
  expect(errors).toEqual([1]);
  await rename(`${dir}-away`, dir);
  await until(() => journal.status().fault === null);
  journal.append(event(2));
  await journal.flushed();
  await journal.close();
  const batches = await readAll(sourceOf(dir).source);
  expect(idsOf(numbered(batches).values())).toEqual([...ids(0, 1), ...ids(2, 3)]);
});

test('a journal does not promise an event that a failing write left half on disk, and gives its number to the next', async () => {
  await using folder = await temporaryFolder();
  const dir = join(folder.path, 'journal');
  await mkdir(dir);
  // The limit on file sizes, in units of 512 bytes, makes a real write fail in the middle of a segment.
  const child = spawn('sh', ['-c', 'ulimit -f 2500; exec "$0" "$@"', process.execPath, SCRIPT, dir, '1200'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  await once(child, 'close');
  const { promised, refused } = JSON.parse(output) as { promised: string[]; refused: string[] };
  expect(refused.length).toBeGreaterThan(0);
  expect(promised.length).toBeGreaterThan(refused.length);
  const { source, damages } = sourceOf(dir);
  const lines = numbered(await readAll(source));
  expect(damages).toEqual([]);
  expect(idsOf(lines.values())).toEqual(promised);
  expect([...lines.keys()].map((name) => Number(name.split(' ')[1]))).toEqual(promised.map((_, n) => n + 1));
});

test('a closed journal refuses events', async () => {
  await using folder = await temporaryFolder();
  const journal = await openTestJournal(folder.path);
  journal.append(event(0));
  await journal.close();
  expect(await idsIn(folder.path)).toEqual(ids(0, 1));
  expect(() => journal.append(event(1))).toThrow(expect.objectContaining({ code: 'journal-unavailable' }));
});

async function endOfFrames(path: string): Promise<number> {
  let end = 0;
  for await (const item of framesOf(path)) if (item.kind !== 'hole') end = item.end;
  return end;
}

async function writeAt(path: string, position: number, bytes: Buffer): Promise<void> {
  const handle = await open(path, 'r+');
  await handle.write(bytes, 0, bytes.length, position).finally(() => handle.close());
}
