import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

/** Where one gateway keeps what must outlive it. */
export type DataFolder = {
  readonly holds: string;
  readonly holdKey: string;
  readonly journals: string;
  readonly policy: string;
  readonly clickhouse: string;
};

export function dataFolder(path: string): DataFolder {
  return {
    holds: join(path, 'holds.sqlite'),
    holdKey: join(path, 'keys', 'holds.key'),
    journals: join(path, 'journal'),
    policy: join(path, 'policy'),
    clickhouse: join(path, 'clickhouse'),
  };
}

/** Another gateway works on the same data; `message` is for people. */
export class DataInUse extends Error {}

/**
 * Makes the folder (mode 0700) and takes it for this process alone, until the process ends in whatever way: the
 * operating system holds the lock, so a crash leaves nothing to clean up.
 * @throws DataInUse when another process has it
 */
export function lockDataFolder(path: string): () => void {
  mkdirSync(path, { recursive: true, mode: 0o700 });
  chmodSync(path, 0o700);
  const pidFile = join(path, 'pid');
  const lock = new DatabaseSync(join(path, 'lock'), { timeout: 0 });
  try {
    lock.exec('BEGIN EXCLUSIVE');
  } catch {
    lock.close();
    const pid = readPid(pidFile);
    throw new DataInUse(
      `Another Holdpoint${pid ? ` (process ${pid})` : ''} works on ${path}. Stop it first, or give this one a \`data\` folder of its own.`,
    );
  }
  writeFileSync(pidFile, `${process.pid}\n`);
  return () => lock.close();
}

function readPid(file: string): string | null {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    return null;
  }
}
