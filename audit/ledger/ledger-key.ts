import { createPrivateKey, createPublicKey, generateKeyPairSync, randomUUID, type KeyObject } from 'node:crypto';
import { link, mkdir, open, readFile, stat, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { syncDirectory } from '../journal/durable-file.ts';

/**
 * Reads the key in `file` that signs checkpoints (Ed25519, PKCS#8 in PEM), or creates one that only this user can read.
 * Processes that start at once get the same key.
 * @throws Error for operators when the file is no such key, or others can read it
 */
export async function loadOrCreateLedgerKey(file: string): Promise<KeyObject> {
  try {
    return await loadLedgerKey(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  await createLedgerKey(file);
  return await loadLedgerKey(file);
}

/** @throws Error with code ENOENT when there is none, or one for operators when the file is no such key */
export async function loadLedgerKey(file: string): Promise<KeyObject> {
  const pem = await readFile(file, 'utf8');
  const { mode } = await stat(file);
  if (process.platform !== 'win32' && (mode & 0o077) !== 0) {
    throw new Error(`${file}: others may read this key; run chmod 600 on it, and take what it signed for unproven`);
  }
  const key = privateKey(pem);
  if (key?.asymmetricKeyType !== 'ed25519') throw new Error(`${file}: expected a private Ed25519 key in PEM`);
  return key;
}

/** The public half, in PEM (SPKI, RFC 8410), with which anyone can verify the record. */
export function publicPem(key: KeyObject): string {
  return createPublicKey(key).export({ type: 'spki', format: 'pem' }) as string;
}

function privateKey(pem: string): KeyObject | null {
  try {
    return createPrivateKey(pem);
  } catch {
    return null;
  }
}

/** Written aside and linked into place: `link` fails when another process was first, and no process reads half a key. */
async function createLedgerKey(file: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  const aside = `${file}.${process.pid}.${randomUUID()}`;
  const handle = await open(aside, 'wx', 0o600);
  try {
    await handle.writeFile(generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }));
    await handle.sync();
    await link(aside, file);
    await syncDirectory(dirname(file));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    await handle.close();
    await unlink(aside);
  }
}
