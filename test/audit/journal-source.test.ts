import { readdir, readFile, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { openJournal } from '../../audit/journal.ts';
import type { Damage } from '../../audit/journal-reader.ts';
import { createJournalSource } from '../../audit/journal-source.ts';
import { listSegments, segmentPath } from '../../audit/segment.ts';
import type { Source } from '../../audit/source.ts';
import { event, temporaryFolder, writeEvents } from './ledger.ts';

function sourceOf(dir: string, rows?: number): { source: Source; damages: Damage[] } {
  const damages: Damage[] = [];
  const onDamage = (damage: Damage) => damages.push(damage);
  return {
    source: createJournalSource({ name: 'worker-1', dir, onDamage, ...(rows === undefined ? {} : { rows }) }),
    damages,
  };
}

/** Reads a source to its end, without forgetting anything. */
async function readAll(source: Source): Promise<{ rows: Buffer[]; ends: string[] }> {
  const rows: Buffer[] = [];
  const ends = [''];
  for (;;) {
    const batch = await source.next(ends.at(-1)!);
    if (batch === null) return { rows, ends };
    rows.push(...batch.rows);
    ends.push(batch.to);
  }
}

const lines = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, n) => JSON.stringify(event(from + n)));

test('gives every event once, in order, over several segments and openings', async () => {
  await using folder = await temporaryFolder();
  await writeEvents(folder.path, 0, 250, 10_000);
  await writeEvents(folder.path, 250, 300);
  const { rows } = await readAll(sourceOf(folder.path, 7).source);
  expect(rows.map(String)).toEqual(lines(0, 300));
});

test('gives exactly the same rows again when it is asked for a batch that it gave before', async () => {
  await using folder = await temporaryFolder();
  await writeEvents(folder.path, 0, 100, 5_000);
  const { ends } = await readAll(sourceOf(folder.path, 9).source);
  await writeEvents(folder.path, 100, 200);
  for (let n = 1; n < ends.length; n++) {
    const first = await sourceOf(folder.path, 9).source.next(ends[n - 1]!, ends[n]);
    const larger = await sourceOf(folder.path, 1000).source.next(ends[n - 1]!, ends[n]);
    expect(first?.to).toBe(ends[n]);
    expect(larger).toEqual(first);
  }
});

test('reads the open segment while it is written, and takes no unfinished record for damage', async () => {
  await using folder = await temporaryFolder();
  const journal = await openJournal({ dir: folder.path, limit: 2 ** 30 });
  journal.append(event(0));
  await journal.flushed();
  const open = segmentPath(folder.path, journal.status().segment);
  await writeFile(open, Buffer.from([100, 0, 0, 0, 1, 2]), { flag: 'a' });
  const { source, damages } = sourceOf(folder.path);
  const { rows } = await readAll(source);
  expect(rows.map(String)).toEqual(lines(0, 1));
  expect(damages).toEqual([]);
  await journal.close();
});

test('deletes what was delivered, but never the segment that is being written', async () => {
  await using folder = await temporaryFolder();
  await writeEvents(folder.path, 0, 100, 5_000);
  const journal = await openJournal({ dir: folder.path, limit: 2 ** 30 });
  journal.append(event(100));
  await journal.flushed();
  const { source } = sourceOf(folder.path);
  const { ends } = await readAll(source);
  await source.forget(ends.at(-1)!);
  expect(await listSegments(folder.path)).toEqual([journal.status().segment]);
  expect(await source.behind(ends.at(-1)!)).toEqual({ bytes: 0, rows: null });
  journal.append(event(101));
  await journal.flushed();
  expect((await source.next(ends.at(-1)!))?.rows.map(String)).toEqual(lines(101, 102));
  await journal.close();
});

test('delivers what comes before damage and sets the rest aside with a report, wherever a byte flips', async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat(), fc.integer({ min: 1, max: 255 }), async (place, flip) => {
      await using folder = await temporaryFolder();
      await writeEvents(folder.path, 0, 8);
      await writeEvents(folder.path, 8, 10);
      const [first] = await listSegments(folder.path);
      const path = segmentPath(folder.path, first!);
      const bytes = await readFile(path);
      const at = place % bytes.length;
      bytes[at]! ^= flip;
      await writeFile(path, bytes);
      const { source, damages } = sourceOf(folder.path);
      const { rows } = await readAll(source);
      const whole = wholeRecords(lines(0, 8), at);
      expect(rows.map(String)).toEqual([...lines(0, whole), ...lines(8, 10)]);
      expect(damages).toMatchObject([{ segment: first, bytes: bytes.length - damages[0]!.offset }]);
      expect(await asideOf(folder.path)).toEqual(bytes.subarray(damages[0]!.offset));
      // What was not the last record is never taken for an unfinished write.
      expect(damages[0]!.kind).toBe(whole < 7 ? 'corrupt' : damages[0]!.kind);
    }),
    { numRuns: 60 },
  );
});

test('takes a cut at the end of a sealed segment for an unfinished write, wherever it is cut', async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat(), async (place) => {
      await using folder = await temporaryFolder();
      await writeEvents(folder.path, 0, 8);
      await writeEvents(folder.path, 8, 10);
      const [first] = await listSegments(folder.path);
      const path = segmentPath(folder.path, first!);
      const size = place % (await stat(path)).size;
      await truncate(path, size);
      const { source, damages } = sourceOf(folder.path);
      const { rows } = await readAll(source);
      const whole = wholeRecords(lines(0, 8), size);
      expect(rows.map(String)).toEqual([...lines(0, whole), ...lines(8, 10)]);
      const clean = offsetOf(lines(0, whole)) === size;
      expect(damages.map(({ kind }) => kind)).toEqual(clean ? [] : ['torn']);
    }),
    { numRuns: 60 },
  );
});

test('goes on behind damage after a restart without reporting it again', async () => {
  await using folder = await temporaryFolder();
  await writeEvents(folder.path, 0, 8);
  await writeEvents(folder.path, 8, 10);
  const [first] = await listSegments(folder.path);
  const path = segmentPath(folder.path, first!);
  const bytes = await readFile(path);
  bytes[300]! ^= 1;
  await writeFile(path, bytes);
  const before = await readAll(sourceOf(folder.path).source);
  const again = sourceOf(folder.path);
  expect((await readAll(again.source)).rows).toEqual(before.rows);
  expect(again.damages).toEqual([]);
});

/** Offset behind these lines in a segment. */
function offsetOf(whole: readonly string[]): number {
  return whole.reduce((sum, line) => sum + 8 + Buffer.byteLength(line), 0);
}

/** How many records end at or before `offset`. */
function wholeRecords(all: readonly string[], offset: number): number {
  return all.filter((_, n) => offsetOf(all.slice(0, n + 1)) <= offset).length;
}

async function asideOf(dir: string): Promise<Buffer> {
  const [name] = await readdir(join(dir, 'damaged'));
  return readFile(join(dir, 'damaged', name!));
}
