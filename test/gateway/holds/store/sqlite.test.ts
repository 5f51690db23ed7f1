import { readdir, readFile, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { draft } from '../../../helpers/hold.ts';
import { engines } from './engines.ts';
import { approve, executed, release, useStores } from './stores.ts';

const stores = useStores(engines.find(({ name }) => name === 'SQLite')!);

test('the files of a store are this user’s alone, and nothing that is held can be read in them', async () => {
  const store = await stores.open();
  const wanted = draft(500);
  const body = Buffer.from('{"marker":"qwertz-body"}');
  const { hold } = await store.holds.open({ ...wanted, call: { ...wanted.call, body, input: '{"x":"qwertz-input"}' } });
  await store.holds.apply(hold.id, approve());
  await store.holds.apply(hold.id, release);
  await store.holds.apply(hold.id, executed);
  const folder = dirname((stores.place.at as { file: string }).file);
  const names = await readdir(folder);
  expect(names.length).toBeGreaterThanOrEqual(2);
  for (const name of names) {
    const bytes = await readFile(join(folder, name));
    const secrets = ['qwertz-body', 'qwertz-input', 're_marker', 'agent-secret'];
    expect(secrets.filter((secret) => bytes.includes(secret))).toEqual([]);
    expect((await stat(join(folder, name))).mode & 0o077).toBe(0);
  }
});
