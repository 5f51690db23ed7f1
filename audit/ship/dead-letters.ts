import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { syncDirectory, writeDurably } from '../journal/durable-file.ts';

/** A row that ClickHouse refuses for what it is. */
export type PoisonRow = {
  readonly source: string;
  readonly chain: string;
  /** Its number in the chain: who checks the chain finds the row here instead of in ClickHouse. */
  readonly seq: number;
  /** What ClickHouse said. */
  readonly error: string;
  /** The event's line. */
  readonly event: string;
};

/** Refused rows, kept for a person to look at, out of the way of the rest. */
export type PoisonShelf = {
  /** Durable when it resolves. Setting the same row aside again, after a crash, changes nothing. */
  put(row: PoisonRow): Promise<void>;
  count(): Promise<number>;
};

/** Keeps refused rows in `dir`: one JSON file each. */
export async function openPoisonShelf(dir: string): Promise<PoisonShelf> {
  await mkdir(dir, { recursive: true, mode: 0o700 });
  await syncDirectory(join(dir, '..'));
  return {
    put: (row) => writeDurably(join(dir, fileName(row)), JSON.stringify(row)),
    count: async () => (await listPoison(dir)).length,
  };
}

/** Every refused row in `dir`; none when there is no such folder. */
export async function readPoison(dir: string): Promise<readonly PoisonRow[]> {
  const files = await listPoison(dir);
  return await Promise.all(files.map(async (name) => JSON.parse(await readFile(join(dir, name), 'utf8')) as PoisonRow));
}

function fileName({ source, chain, seq }: PoisonRow): string {
  return `${source}-${chain.replaceAll(/[^\w-]/g, '_')}-${seq}.json`;
}

async function listPoison(dir: string): Promise<string[]> {
  try {
    return (await readdir(dir)).filter((name) => name.endsWith('.json')).sort();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
