import { randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';

/** Keeps the data of inserts in files while the engine reads them. */
export type Spool = {
  /**
   * Gives `use` the path of a file with all of `body`, and then removes the file in every case.
   * @throws the error of `body` or `use`; a body that breaks off is not used
   */
  through<T>(body: AsyncIterable<Uint8Array>, use: (path: string) => Promise<T>): Promise<T>;
};

/** The engine would read a path with one of these as a pattern, find no file and store nothing. */
const PATTERN = /[*?{}[\]]/;

/**
 * A spool in the folder `dir`. It is emptied first, since only a killed process leaves files there. The caller must be the
 * only user of the engine's data folder.
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
