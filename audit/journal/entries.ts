import { readdir } from 'node:fs/promises';

/** The entries of a folder; none when it does not exist. */
export async function entriesOf(dir: string) {
  try {
    return await readdir(dir, { withFileTypes: true });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
