import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { syncDirectory, writeDurably } from '../journal/durable-file.ts';

/** A row that ClickHouse refuses for its content. */
export type DeadLetter = {
  readonly source: string;
  readonly chain: string;
  /** Its number in the chain. Verification finds the row here instead of in ClickHouse. */
  readonly seq: number;
  /** What ClickHouse said. */
  readonly error: string;
  /** The event's line. */
  readonly event: string;
};

/** Refused rows, kept for an operator to examine. */
export type DeadLetters = {
  /** Durable when it resolves. Putting the same row again, after a crash, changes nothing. */
  put(row: DeadLetter): Promise<void>;
  count(): Promise<number>;
};

/** Keeps refused rows in `dir`, a JSON file each. */
export async function openDeadLetters(dir: string): Promise<DeadLetters> {
  await mkdir(dir, { recursive: true, mode: 0o700 });
  await syncDirectory(join(dir, '..'));
  return {
    put: (row) => writeDurably(join(dir, fileName(row)), JSON.stringify(row)),
    count: async () => (await listFiles(dir)).length,
  };
}

/** Every refused row in `dir`; none when there is no such folder. */
export async function readDeadLetters(dir: string): Promise<readonly DeadLetter[]> {
  const files = await listFiles(dir);
  return await Promise.all(
    files.map(async (name) => JSON.parse(await readFile(join(dir, name), 'utf8')) as DeadLetter),
  );
}

function fileName({ source, chain, seq }: DeadLetter): string {
  return `${source}-${chain.replaceAll(/[^\w-]/g, '_')}-${seq}.json`;
}

async function listFiles(dir: string): Promise<string[]> {
  try {
    return (await readdir(dir)).filter((name) => name.endsWith('.json')).sort();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
