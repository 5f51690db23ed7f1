import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { syncDirectory, writeDurably } from './durable-file.ts';

/** Rows that ClickHouse refuses for what they are. Kept for a person to look at, out of the way of the rest. */
export type PoisonShelf = {
  /** Durable when it resolves. Setting the same row aside again, after a crash, changes nothing. */
  put(poison: { source: string; from: string; row: number; error: string; event: Buffer }): Promise<void>;
  count(): Promise<number>;
};

/** Keeps poison rows in `dir`: one JSON file each, with the error and the row as text. */
export async function openPoisonShelf(dir: string): Promise<PoisonShelf> {
  await mkdir(dir, { recursive: true, mode: 0o700 });
  await syncDirectory(join(dir, '..'));
  return {
    put({ source, from, row, error, event }) {
      const name = `${source}-${from.replace(':', '-') || '0'}-${row}.json`;
      return writeDurably(join(dir, name), JSON.stringify({ source, from, row, error, event: event.toString() }));
    },
    count: async () => (await readdir(dir)).filter((name) => name.endsWith('.json')).length,
  };
}
