import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

/** The paths of one gateway's durable data. */
export type DataFolder = {
  readonly holds: string;
  readonly holdKey: string;
  /** Signs the record's checkpoints. */
  readonly ledgerKey: string;
  readonly journals: string;
  readonly policy: string;
  readonly clickhouse: string;
  /** The address and login of the embedded ClickHouse while it runs, for commands on this machine. */
  readonly clickhouseEndpoint: string;
  /** Names the latest run of the gateway. */
  readonly run: string;
  /** Node's compile cache; may be deleted at any time. */
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
    run: join(path, 'run'),
    compiled: join(path, 'compiled'),
  };
}

const SQLITE_BUSY = 5;

/** Another gateway uses the same data. `message` is for the operator. */
export class DataInUse extends Error {}

/** Milliseconds to wait for processes of a killed gateway that are still ending. */
export const ORPHAN_PATIENCE = 15_000;

/**
 * Creates the folder (mode 0700) and locks it for this gateway until the process ends, in whatever way.
 * @throws DataInUse if another gateway has the lock
 */
export function lockDataFolder(path: string): () => void {
  const pidFile = join(path, 'pid');
  try {
    const unlock = lockFolder(path, 0);
    writeFileSync(pidFile, `${process.pid}\n`);
    return unlock;
  } catch (error) {
    if (!(error instanceof FolderInUse)) throw error;
    const pid = readLine(pidFile);
    throw new DataInUse(
      `Another Holdpoint${pid ? ` (process ${pid})` : ''} works on ${path}. Stop it first, or give this one a \`data\` folder of its own.`,
    );
  }
}

/**
 * Blocks until the processes of a killed gateway have ended, as they keep its ports until then. A process that does not
 * end in time keeps its lock, so the process that needs the same journal fails to start.
 * @param journals the folder of all journals; each process locks its own
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

/**
 * Records the run that begins. The folder must be locked.
 * @returns the one before it, whose processes have ended; null if this is the first
 */
export function recordRun(file: string, run: string): string | null {
  const earlier = readLine(file);
  writeFileSync(file, `${run}\n`);
  return earlier;
}

class FolderInUse extends Error {}

/** References to the locks: the garbage collector would release a lock without one. */
const held = new Set<DatabaseSync>();

/**
 * Creates a folder (mode 0700) and locks it for this process. The operating system holds the lock, so a crash leaves
 * nothing to clean up.
 * @param patience milliseconds to block while another process has the lock
 * @throws Error if another process still has the lock
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

function readLine(file: string): string | null {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    return null;
  }
}
