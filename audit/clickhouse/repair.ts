import { existsSync } from 'node:fs';
import { readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** A running engine completes a file at once; one that is unfinished for so long belongs to none. Milliseconds. */
const ABANDONED_AFTER = 5_000;
/** Folders in a table's folder that hold no data of their own. Every other one is, or was, a part with rows. */
const NO_PARTS = new Set(['deduplication_logs', 'detached', 'moving']);
const UUID = /\bUUID '([0-9a-f-]{36})'/;

/**
 * Removes what a full disk left of databases and tables that were being made: definitions that are empty or end in the
 * middle, with which the engine does not open. Only what never had data is removed, so that it can be made again. Call it
 * before the engine opens the folder.
 * @returns the definitions that were removed
 * @throws Error that names a definition that is lost, of a table that may have data
 */
export async function repairDefinitions(path: string, now = Date.now()): Promise<string[]> {
  const metadata = join(path, 'metadata');
  const removed: string[] = [];
  for (const file of await definitionsIn(metadata)) {
    const database = file.slice(0, -'.sql'.length);
    const definition = join(metadata, file);
    if (await isAbandoned(definition, now)) {
      if (await anyHasData(path)) throw lost(definition);
      await rm(join(path, 'data', database), { recursive: true, force: true });
      await rm(join(metadata, database), { recursive: true, force: true });
      await rm(definition);
      removed.push(definition);
    } else {
      removed.push(...(await repairTables(path, database, now)));
    }
  }
  return removed;
}

async function repairTables(path: string, database: string, now: number): Promise<string[]> {
  const tables = join(path, 'metadata', database);
  const removed: string[] = [];
  for (const file of await definitionsIn(tables)) {
    const definition = join(tables, file);
    const link = join(path, 'data', database, file.slice(0, -'.sql'.length));
    const uuid = UUID.exec(await readFile(definition, 'utf8'))?.[1];
    const folder = uuid === undefined ? link : folderOf(path, uuid);
    const version = join(folder, 'format_version.txt');
    const isLost = (await isAbandoned(definition, now)) || (existsSync(version) && (await isAbandoned(version, now)));
    if (!isLost) continue;
    // Views have no folder. Without a name for it, the folder of a table may be any.
    if (existsSync(folder) ? await hasData(folder) : uuid === undefined && (await anyUnnamedHasData(path)))
      throw lost(definition);
    await rm(link, { force: true });
    await rm(definition);
    removed.push(definition);
  }
  return removed;
}

/** The names of the files that define databases or tables. */
async function definitionsIn(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch(() => []);
  return names.filter((name) => name.endsWith('.sql'));
}

/** Whether a file of the engine is empty or ends in the middle, and no engine is writing it. */
async function isAbandoned(file: string, now: number): Promise<boolean> {
  const text = await readFile(file, 'utf8');
  const isComplete = file.endsWith('.sql') ? text.endsWith('\n') : text !== '';
  return !isComplete && Math.abs(now - (await stat(file)).mtimeMs) > ABANDONED_AFTER;
}

function folderOf(path: string, uuid: string): string {
  return join(path, 'store', uuid.slice(0, 3), uuid);
}

async function hasData(folder: string): Promise<boolean> {
  const entries = await readdir(folder, { withFileTypes: true });
  if (entries.some((entry) => entry.isDirectory() && !NO_PARTS.has(entry.name))) return true;
  const detached = await readdir(join(folder, 'detached')).catch(() => []);
  return detached.length > 0;
}

/** Whether any table has data. */
async function anyHasData(path: string, isCounted: (uuid: string) => boolean = () => true): Promise<boolean> {
  const store = join(path, 'store');
  for (const prefix of await readdir(store).catch(() => [])) {
    for (const uuid of await readdir(join(store, prefix)))
      if (isCounted(uuid) && (await hasData(join(store, prefix, uuid)))) return true;
  }
  return false;
}

/** Whether a table has data to which no definition leads. */
async function anyUnnamedHasData(path: string): Promise<boolean> {
  const named = new Set<string>();
  const metadata = join(path, 'metadata');
  for (const file of await definitionsIn(metadata)) {
    for (const table of await definitionsIn(join(metadata, file.slice(0, -'.sql'.length)))) {
      const text = await readFile(join(metadata, file.slice(0, -'.sql'.length), table), 'utf8');
      named.add(UUID.exec(text)?.[1] ?? '');
    }
  }
  return await anyHasData(path, (uuid) => !named.has(uuid));
}

function lost(definition: string): Error {
  return new Error(
    `${definition} is damaged, and its table may have data. Restore the file from a backup, or move the folder aside and begin with an empty record.`,
  );
}
