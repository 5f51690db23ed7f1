import { copyFile, cp, mkdtemp, open, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventLine } from '../../../audit/journal/event-line.ts';
import type { Damage } from '../../../audit/journal/journal-reader.ts';
import { createJournalSource } from '../../../audit/journal/journal-source.ts';
import { listSegments, segmentPath } from '../../../audit/journal/segment.ts';
import { framesOf } from '../../../audit/journal/segment-reader.ts';
import type { Batch } from '../../../audit/ship/source.ts';
import { numbered, readAll, sourceOf, verifyChain } from './chains.ts';
import { event, openTestJournal, temporaryFolder, until, writeEvents } from '../events.ts';

const lines = (from: number, to: number) => Array.from({ length: to - from }, (_, n) => eventLine(event(from + n)));
const rowsOf = (batches: readonly Batch[]) => batches.flatMap(({ rows }) => rows.map(String));

test('a journal source gives every event once, in order, over several segments and openings', async () => {
  await using folder = await temporaryFolder();
  await writeEvents(folder.path, 0, 250, 10_000);
  await writeEvents(folder.path, 250, 300);
  const batches = await readAll(sourceOf(folder.path, 7).source);
  expect(rowsOf(batches)).toEqual(lines(0, 300));
  expect(numbered(batches).size).toBe(300);
});

test('a journal source gives exactly the same batch when it is asked for one again', async () => {
  await using folder = await temporaryFolder();
  await writeEvents(folder.path, 0, 100, 5_000);
  const batches = await readAll(sourceOf(folder.path, 9).source);
  await writeEvents(folder.path, 100, 200);
  let from = '';
  for (const batch of batches) {
    expect(await sourceOf(folder.path, 9).source.next(from, batch.to)).toEqual(batch);
    expect(await sourceOf(folder.path, 1000).source.next(from, batch.to)).toEqual(batch);
    from = batch.to;
  }
});

test('a journal source gives only synced events of the open segment, none that a power failure could remove', async () => {
  await using folder = await temporaryFolder();
  const journal = await openTestJournal(folder.path);
  const path = segmentPath(folder.path, journal.status().segment);
  for (let n = 0; n < 3; n++) {
    journal.append(event(n));
    await journal.flushed();
  }
  const { source, damages } = sourceOf(folder.path);
  await expect.poll(async () => rowsOf(await readAll(source))).toEqual(lines(0, 3));
  // As it is between the write and the end of its sync: the last frame without the mark behind it.
  const marks = await placesOf(path, 'mark');
  const handle = await open(path, 'r+');
  await handle.write(Buffer.alloc(48), 0, 48, marks.at(-1)!.at).finally(() => handle.close());
  expect(rowsOf(await readAll(source))).toEqual(lines(0, 2));
  await writeFile(path, (await readFile(path)).fill('x', marks.at(-1)!.at, marks.at(-1)!.at + 10));
  expect(rowsOf(await readAll(source))).toEqual(lines(0, 2));
  expect(damages).toEqual([]);
  await journal.close();
});

test('a journal source deletes delivered segments, but never the open one', async () => {
  await using folder = await temporaryFolder();
  await writeEvents(folder.path, 0, 100, 5_000);
  const journal = await openTestJournal(folder.path);
  journal.append(event(100));
  await journal.flushed();
  const { source } = sourceOf(folder.path);
  await expect.poll(async () => rowsOf(await readAll(source)).length).toBe(101);
  const end = (await readAll(source)).at(-1)!.to;
  await source.forget(end);
  expect(await listSegments(folder.path)).toEqual([journal.status().segment]);
  expect(await source.behind(end)).toEqual({ bytes: 0, rows: 0 });
  journal.append(event(101));
  await journal.flushed();
  expect(await source.behind(end)).toMatchObject({ rows: 1 });
  await expect.poll(async () => (await source.next(end))?.rows.map(String)).toEqual(lines(101, 102));
  await journal.close();
});

test('a journal source limits a batch by bytes, however few its rows, and gives the same one again', async () => {
  await using folder = await temporaryFolder();
  const journal = await openTestJournal(folder.path);
  const large = (n: number) => event(n, { input: JSON.stringify('x'.repeat(n === 5 ? 500_000 : 90_000)) });
  for (let n = 0; n < 20; n++) journal.append(large(n));
  await journal.close();
  const source = createJournalSource({ name: 'worker-1', dir: folder.path, bytes: 300_000, onDamage: () => {} });
  const batches = await readAll(source);
  expect(rowsOf(batches)).toEqual(Array.from({ length: 20 }, (_, n) => eventLine(large(n))));
  const sizes = batches.map(({ rows }) => rows.length);
  expect(sizes.filter((size) => size > 0)).toEqual([3, 2, 1, 3, 3, 3, 3, 2]);
  let from = '';
  for (const batch of batches) {
    expect(await sourceOf(folder.path).source.next(from, batch.to)).toEqual(batch);
    from = batch.to;
  }
});

test('a journal source knows how much is not delivered yet', async () => {
  await using folder = await temporaryFolder();
  await writeEvents(folder.path, 0, 100, 5_000);
  const { source } = sourceOf(folder.path, 10);
  const behind = await source.behind('');
  expect(behind.rows).toBe(100);
  expect(behind.bytes).toBeGreaterThan(100 * lines(0, 1)[0]!.length);
  const first = await source.next('');
  expect(await source.behind(first!.to)).toMatchObject({ rows: 100 - first!.rows.length });
});

test('a journal source never gives a number twice, even where the files do', async () => {
  await using folder = await temporaryFolder();
  await writeEvents(folder.path, 0, 10);
  await writeEvents(folder.path, 10, 20);
  const [first] = await listSegments(folder.path);
  const last = (await listSegments(folder.path)).at(-1)!;
  await copyFile(segmentPath(folder.path, first!), segmentPath(folder.path, last + 1));
  const { source, damages } = sourceOf(folder.path);
  await writeEvents(folder.path, 20, 21);
  expect(rowsOf(await readAll(source)).slice(0, 20)).toEqual(lines(0, 20));
  expect(damages.length).toBeGreaterThan(0);
});

test('a journal source names the missing events when a whole segment is gone', async () => {
  await using folder = await temporaryFolder();
  await writeEvents(folder.path, 0, 10);
  await writeEvents(folder.path, 10, 20);
  await writeEvents(folder.path, 20, 30);
  const { source, damages } = sourceOf(folder.path);
  const all = await readAll(source);
  const segments = await placesOfEvents(folder.path);
  await rm(segmentPath(folder.path, segments[1]!));
  expect(rowsOf(await readAll(source))).toEqual([...lines(0, 10), ...lines(20, 30)]);
  expect(damages.map(({ missing }) => missing)).toEqual([{ chain: all[0]!.chain, first: 11, last: 20 }]);
});

test('a journal source continues after damage, and does not report earlier damage again after a restart', async () => {
  await using folder = await temporaryFolder();
  await writeEvents(folder.path, 0, 8);
  await writeEvents(folder.path, 8, 10);
  const [first] = await listSegments(folder.path);
  const path = segmentPath(folder.path, first!);
  await writeFile(path, (await readFile(path)).fill('!', 500, 501));
  const before = sourceOf(folder.path);
  const batches = await readAll(before.source);
  expect(await readAll(before.source)).toEqual(batches);
  expect(before.damages).toHaveLength(1);
  const again = sourceOf(folder.path);
  expect(await again.source.next(batches.at(-1)!.to)).toBeNull();
  expect(again.damages).toEqual([]);
});

test('a journal source ends a repeated batch before new damage, and continues after it', async () => {
  await using folder = await temporaryFolder();
  const journal = await openTestJournal(folder.path);
  for (let n = 0; n < 9; n++) {
    journal.append(event(n));
    await journal.flushed();
  }
  await journal.close();
  const { source, damages } = sourceOf(folder.path);
  const [whole] = await readAll(source);
  const [first] = await listSegments(folder.path);
  const path = segmentPath(folder.path, first!);
  const fifth = (await placesOf(path, 'events'))[4]!;
  await writeFile(path, (await readFile(path)).fill('!', fifth.at + 60, fifth.at + 61));
  const part = await source.next('', whole!.to);
  expect(part!.rows.map(String)).toEqual(lines(0, 4));
  expect(part!.to).not.toBe(whole!.to);
  const rest = await source.next(part!.to);
  expect(rest).toMatchObject({ first: 6 });
  expect(rest!.rows.map(String)).toEqual(lines(5, 9));
  expect(damages).toMatchObject([{ missing: { first: 5, last: 5 } }]);
});

/** Journals that are spoiled in many ways, each a copy of one of these. */
let shelf: { path: string } & AsyncDisposable;

beforeAll(async () => {
  shelf = await temporaryFolder();
  // Sealed segments, with several frames each; then one that was left by a killed writer, with room behind its events.
  const sealed = join(shelf.path, 'sealed');
  for (let n = 0; n < 3; n++) {
    const journal = await openTestJournal(sealed, { segmentSize: 3_000 });
    for (let m = 0; m < 16; m++) {
      journal.append(event(n * 16 + m));
      if (m % 3 === 2) await journal.flushed();
    }
    await journal.close();
  }
  const killed = join(shelf.path, 'killed');
  await cp(sealed, killed, { recursive: true });
  const journal = await openTestJournal(killed);
  for (let n = 48; n < 64; n++) {
    journal.append(event(n));
    if (n % 3 === 0) await journal.flushed();
  }
  await journal.flushed();
  await until(async () => rowsOf(await readAll(sourceOf(killed).source)).length === 64);
  const copy = await mkdtemp(join(shelf.path, 'copy-'));
  await cp(killed, copy, { recursive: true });
  await journal.close();
  await rm(killed, { recursive: true });
  await cp(copy, killed, { recursive: true });
  await rm(copy, { recursive: true });
});

afterAll(() => shelf[Symbol.asyncDispose]());

const spoils = ['flip', 'cut', 'wipe', 'insert'] as const;

test.each([
  ['sealed', 48],
  ['killed', 64],
] as const)(
  'a damaged %s journal gives every readable event under its number, and names the missing ones',
  async (which, count) => {
    const whole = join(shelf.path, which);
    const before = await readAll(sourceOf(whole).source);
    const written = numbered(before);
    expect([...written.values()]).toEqual(lines(0, count));
    const segments = await listSegments(whole);

    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...segments),
        // Evenly over the frames, and sometimes in the room behind them.
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.integer({ min: 1, max: 255 }),
        fc.constantFrom(...spoils),
        async (segment, where, value, how) => {
          await using folder = await temporaryFolder();
          await cp(whole, folder.path, { recursive: true });
          const path = segmentPath(folder.path, segment);
          const at = Math.floor(where * ((await endOfFrames(path)) + 100));
          await spoil(path, how, at, value);
          // Whoever opens the journal next goes on with it.
          await writeEvents(folder.path, count, count + 2);

          const { source, damages } = sourceOf(folder.path, 5);
          const batches = await readAll(source);
          const found = numbered(batches);
          expect([...found].filter(([name, line]) => written.has(name) && written.get(name) !== line)).toEqual([]);
          const gone = [...written.keys()].filter((name) => !found.has(name));
          expect(gone.filter((name) => !isReported(name, damages))).toEqual([]);
          expect([...found.keys()].filter((name) => isExactly(name, damages))).toEqual([]);
          const rest = [...found].filter(([name]) => !written.has(name));
          expect(rest.map(([, line]) => line)).toEqual(lines(count, count + 2));
          expect(await Promise.all(damages.map(isAside))).not.toContain(false);
          // A cut may also take a checkpoint without a trace here: whoever follows the chain misses its link.
          const signatures = new Set(signaturesOf(batches));
          const isWhole = signaturesOf(before).every((signature) => signatures.has(signature));
          const expected = isWhole ? count + 2 : null;
          expect(damages.length > 0 ? expected : followed(batches)).toBe(expected);
        },
      ),
      { numRuns: 40 },
    );
  },
  60_000,
);

const signaturesOf = (batches: readonly Batch[]) =>
  batches.flatMap(({ checkpoints }) => checkpoints.map(({ signature }) => signature));

async function spoil(path: string, how: (typeof spoils)[number], at: number, value: number): Promise<void> {
  const bytes = await readFile(path);
  if (how === 'cut') return await truncate(path, Math.min(at, bytes.length));
  if (at >= bytes.length) return;
  if (how === 'flip') bytes[at]! ^= value;
  else if (how === 'wipe') bytes.fill(0, at, at + value);
  else
    return await writeFile(
      path,
      Buffer.concat([bytes.subarray(0, at), Buffer.alloc(value, value), bytes.subarray(at)]),
    );
  await writeFile(path, bytes);
}

function isReported(name: string, damages: readonly Damage[]): boolean {
  const [chain, number] = name.split(' ');
  return damages.some(
    ({ missing }) =>
      missing !== null &&
      missing.chain === chain &&
      missing.first <= Number(number) &&
      Number(number) <= (missing.last ?? Infinity),
  );
}

/** Reported as gone by its own number, and not as what may be. */
function isExactly(name: string, damages: readonly Damage[]): boolean {
  return isReported(
    name,
    damages.filter(({ missing }) => missing?.last !== null),
  );
}

async function isAside({ dir, segment, offset, bytes, kind }: Damage): Promise<boolean> {
  const name = `${String(segment).padStart(10, '0')}-${offset}.${kind}`;
  return (await stat(join(dir, 'damaged', name))).size === bytes;
}

/** The number up to which checkpoints vouch for the chain; null when it cannot be followed. */
function followed(batches: readonly Batch[]): number | null {
  try {
    return verifyChain(batches);
  } catch {
    return null;
  }
}

async function placesOf(path: string, kind: string): Promise<{ at: number; end: number }[]> {
  const places: { at: number; end: number }[] = [];
  for await (const item of framesOf(path)) if (item.kind === kind) places.push(item);
  return places;
}

/** The segments that hold events. */
async function placesOfEvents(dir: string): Promise<number[]> {
  const segments: number[] = [];
  for (const segment of await listSegments(dir)) {
    if ((await placesOf(segmentPath(dir, segment), 'events')).length > 0) segments.push(segment);
  }
  return segments;
}

async function endOfFrames(path: string): Promise<number> {
  let end = 0;
  for await (const item of framesOf(path)) if (item.kind !== 'hole') end = item.end;
  return end;
}
