import { randomBytes } from 'node:crypto';
import { link, mkdir, open, readFile, stat, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';

const KEY_BYTES = 32;

/**
 * The key in `file` (64 hex digits); a new one, readable by this user alone, when there is none yet.
 * Processes that start at once end up with the same key.
 * @throws Error for operators when the file is not a key or others may read it.
 */
export async function loadOrCreateKey(file: string): Promise<Buffer> {
  try {
    return await loadKey(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  await createKey(file);
  return await loadKey(file);
}

/** @throws Error for operators when others may read the file or it is no key; the file system's error, such as ENOENT */
export async function loadKey(file: string): Promise<Buffer> {
  const text = (await readFile(file, 'utf8')).trim();
  const { mode } = await stat(file);
  if (process.platform !== 'win32' && (mode & 0o077) !== 0) {
    throw new Error(`${file}: others may read this key; run chmod 600 on it and consider it known`);
  }
  if (!/^[0-9a-f]{64}$/.test(text)) throw new Error(`${file}: expected a key of ${KEY_BYTES} bytes in hex`);
  return Buffer.from(text, 'hex');
}

/** Written aside and linked into place: `link` fails when another process was first, and half a key is never read. */
async function createKey(file: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  const aside = `${file}.${process.pid}.${randomBytes(6).toString('hex')}`;
  const handle = await open(aside, 'wx', 0o600);
  try {
    await handle.writeFile(`${randomBytes(KEY_BYTES).toString('hex')}\n`);
    await handle.sync();
    await link(aside, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    await handle.close();
    await unlink(aside);
  }
}
