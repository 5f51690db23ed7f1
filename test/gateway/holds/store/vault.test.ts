import { chmod, mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { loadOrCreateKey } from '../../../../gateway/holds/store/key-file.ts';
import { createVault } from '../../../../gateway/holds/store/vault.ts';
import { KEY } from '../../../helpers/hold.ts';

const label = { holdId: 'hold_1', kind: 'call', revision: 1 };
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'holdpoint-vault-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

test('what was sealed opens, and no two sealings look alike', () => {
  const vault = createVault(KEY);
  const content = Buffer.from('refund 500');
  const sealed = vault.seal(content, label);
  expect(vault.open(sealed, label)).toEqual(content);
  expect(vault.seal(content, label)).not.toEqual(sealed);
  expect(sealed.includes(content)).toBe(false);
});

test('sealed bytes do not open with another key, changed, cut short, or under another label', () => {
  const vault = createVault(KEY);
  const sealed = vault.seal(Buffer.from('refund 500'), label);
  expect(() => createVault(Buffer.alloc(32, 8)).open(sealed, label)).toThrow(/authenticate|unknown format/);
  for (const index of sealed.keys()) {
    const changed = Buffer.from(sealed);
    changed[index]! ^= 1;
    expect(() => vault.open(changed, label), `byte ${index}`).toThrow(/authenticate|unknown format/);
  }
  expect(() => vault.open(sealed.subarray(0, 20), label)).toThrow(/authenticate|unknown format/);
  expect(() => vault.open(sealed.subarray(0, -1), label)).toThrow(/authenticate|unknown format/);
  for (const other of [{ holdId: 'hold_2' }, { kind: 'response' }, { revision: 2 }]) {
    expect(() => vault.open(sealed, { ...label, ...other })).toThrow(/authenticate|unknown format/);
  }
});

test('processes that start at once share one key that only this user can read', async () => {
  const file = join(folder, 'keys', 'holds.key');
  const keys = await Promise.all(Array.from({ length: 20 }, () => loadOrCreateKey(file)));
  expect(new Set(keys.map((key) => key.toString('hex'))).size).toBe(1);
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  expect(await readdir(join(folder, 'keys'))).toEqual(['holds.key']);
});

test('a key that others can read, or that is none, is refused and left alone', async () => {
  const file = join(folder, 'holds.key');
  await writeFile(file, 'short', { mode: 0o600 });
  await expect(loadOrCreateKey(file)).rejects.toThrow('expected a key');
  await writeFile(file, 'a'.repeat(64));
  await chmod(file, 0o644);
  await expect(loadOrCreateKey(file)).rejects.toThrow('others may read');
  expect(await readFile(file, 'utf8')).toBe('a'.repeat(64));
});
