import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

/** Where one gateway keeps what must outlive it. */
export type DataFolder = {
  readonly holds: string;
  readonly holdKey: string;
  /** Signs the record's checkpoints. */
  readonly ledgerKey: string;
  readonly journals: string;
  readonly policy: string;
  readonly clickhouse: string;
  /** Where the embedded ClickHouse is reached while it runs, for commands on this machine. */
  readonly clickhouseEndpoint: string;
  /** Code that Node has compiled before; may be deleted at any time. */
  readonly compiled: string;
};

export function dataFolder(path: string): DataFolder {
  return {
    holds: join(path, 'holds.sqlite'),
    holdKey: join(path, 'keys', 'holds.key'),
    ledgerKey: join(path, 'keys', 'ledger.key'),
    journals: join(path, 'journal'),
    policy: join(path, 'policy'),
    clickhouse: join(path, 'clickhouse'),
    clickhouseEndpoint: join(path, 'clickhouse.json'),
    compiled: join(path, 'compiled'),
  };
}

const SQLITE_BUSY = 5;

/** Another gateway works on the same data; `message` is for people. */
export class DataInUse extends Error {}

/** How long a process waits for one of a gateway that was killed just now and is still ending. */
export const ORPHAN_PATIENCE = 5_000;

/**
 * Makes the folder (mode 0700) and takes it for this gateway alone, until the process ends in whatever way.
 * @throws DataInUse when another gateway has it
 */
export function lockDataFolder(path: string): () => void {
  const pidFile = join(path, 'pid');
  try {
    const unlock = lockFolder(path, 0);
    writeFileSync(pidFile, `${process.pid}\n`);
    return unlock;
  } catch (error) {
    if (!(error instanceof FolderInUse)) throw error;
    const pid = readPid(pidFile);
    throw new DataInUse(
      `Another Holdpoint${pid ? ` (process ${pid})` : ''} works on ${path}. Stop it first, or give this one a \`data\` folder of its own.`,
    );
  }
}

/**
 * Waits, without doing anything else, for processes of a gateway that was killed just now: they end by themselves, but
 * until then they have its ports. Who does not end in time is met again by whoever needs the same.
 * @param journals the folder of all journals; each process has the one that it writes to itself
 */
export function awaitOrphans(journals: string): void {
  for (const name of existsSync(journals) ? readdirSync(journals) : []) {
    const path = join(journals, name);
    if (!existsSync(join(path, 'lock'))) continue;
    try {
      lockFolder(path, ORPHAN_PATIENCE)();
    } catch (error) {
      if (!(error instanceof FolderInUse)) throw error;
    }
  }
}

class FolderInUse extends Error {}

/** A lock that nobody refers to any more is given up by the garbage collector. */
const held = new Set<DatabaseSync>();

/**
 * Makes a folder (mode 0700) and takes it for this process alone. The operating system holds the lock, so a crash leaves
 * nothing to clean up.
 * @param patience milliseconds to wait, without doing anything else, for whoever has it
 * @throws Error when another process has it
 */
export function lockFolder(path: string, patience: number): () => void {
  mkdirSync(path, { recursive: true, mode: 0o700 });
  chmodSync(path, 0o700);
  const lock = new DatabaseSync(join(path, 'lock'), { timeout: patience });
  try {
    lock.exec('BEGIN EXCLUSIVE');
    held.add(lock);
    return () => {
      held.delete(lock);
      lock.close();
    };
  } catch (error) {
    lock.close();
    if ((error as { errcode?: number }).errcode !== SQLITE_BUSY) throw error;
    throw new FolderInUse(`another process works on ${path}`);
  }
}

function readPid(file: string): string | null {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    return null;
  }
}
