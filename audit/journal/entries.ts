import { readdir } from 'node:fs/promises';

/** What is in a folder; nothing when there is no such folder. */
export async function entriesOf(dir: string) {
  try {
    return await readdir(dir, { withFileTypes: true });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
