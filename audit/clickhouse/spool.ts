import { randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';

/** Keeps the data of inserts in files while the engine reads them. */
export type Spool = {
  /**
   * Gives `use` the path of a file that has all of `body`, and removes the file afterwards, however that ends.
   * @throws what `body` or `use` throws; a body that breaks off reaches nobody
   */
  through<T>(body: AsyncIterable<Uint8Array>, use: (path: string) => Promise<T>): Promise<T>;
};

/** The engine would take a path with one of these for a pattern, find nothing that fits, and store nothing. */
const PATTERN = /[*?{}[\]]/;

/**
 * A spool in the folder `dir`, which is emptied: what is in it was left by a process that was killed. Only for who has
 * the engine's data folder to itself.
 * @returns null where the engine could not find files there
 */
export async function openSpool(dir: string): Promise<Spool | null> {
  await rm(dir, { recursive: true, force: true });
  if (PATTERN.test(dir)) return null;
  await mkdir(dir, { mode: 0o700 });
  return {
    async through(body, use) {
      const path = join(dir, randomUUID());
      try {
        await pipeline(body, createWriteStream(path, { flags: 'wx', mode: 0o600 }));
        return await use(path);
      } finally {
        await rm(path, { force: true });
      }
    },
  };
}
