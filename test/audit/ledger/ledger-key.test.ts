import { createPublicKey, sign, verify } from 'node:crypto';
import { chmod, readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { loadLedgerKey, loadOrCreateLedgerKey, publicPem } from '../../../audit/ledger/ledger-key.ts';
import { keyId } from '../../../audit/ledger/ledger.ts';
import { temporaryFolder } from '../events.ts';

test('processes that start at once share one ledger key, which no other user can read', async () => {
  await using folder = await temporaryFolder();
  const file = join(folder.path, 'keys', 'ledger.key');
  const keys = await Promise.all(Array.from({ length: 8 }, () => loadOrCreateLedgerKey(file)));
  expect(new Set(keys.map((key) => keyId(createPublicKey(key)))).size).toBe(1);
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  expect((await stat(join(folder.path, 'keys'))).mode & 0o777).toBe(0o700);
  expect(await readdir(join(folder.path, 'keys'))).toEqual(['ledger.key']);
});

test('the public half of the ledger key can be exported', async () => {
  await using folder = await temporaryFolder();
  const key = await loadOrCreateLedgerKey(join(folder.path, 'ledger.key'));
  const pem = publicPem(key);
  expect(pem).toMatch(/^-----BEGIN PUBLIC KEY-----\n/);
  expect(verify(null, Buffer.from('said'), pem, sign(null, Buffer.from('said'), key))).toBe(true);
});

test('a ledger key that others can read, or that is no key, is refused and not changed', async () => {
  await using folder = await temporaryFolder();
  const file = join(folder.path, 'ledger.key');
  await expect(loadLedgerKey(file)).rejects.toMatchObject({ code: 'ENOENT' });
  await writeFile(file, 'nothing', { mode: 0o600 });
  await expect(loadOrCreateLedgerKey(file)).rejects.toThrow('expected a private Ed25519 key');
  await chmod(file, 0o644);
  await expect(loadOrCreateLedgerKey(file)).rejects.toThrow('others may read this key');
});
