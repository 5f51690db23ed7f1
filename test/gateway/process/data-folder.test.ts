import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, expect, test } from 'vitest';
import { awaitOrphans, lockFolder } from '../../../gateway/process/data-folder.ts';
import { tempFolder } from '../../helpers/folder.ts';

const folder = tempFolder();
const unlocks: (() => void)[] = [];

afterEach(() => {
  for (const unlock of unlocks.splice(0)) unlock();
  folder.remove();
});

test('a data folder stays locked while its process lives, even if its lock is garbage-collected', async () => {
  const path = join(folder.path, 'taken');
  // The flag takes effect in contexts that are made after it.
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  lockFolder(path, 0);
  for (let i = 0; i < 5; i++) {
    collect();
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(() => lockFolder(path, 0)).toThrow('another process works on');
});

test('a released data folder can be locked again', () => {
  const path = join(folder.path, 'free');
  lockFolder(path, 0)();
  expect(() => unlocks.push(lockFolder(path, 0))).not.toThrow();
});

test('waiting for orphans skips folders without a process and leaves them free', () => {
  const journals = join(folder.path, 'journal');
  awaitOrphans(journals);
  lockFolder(join(journals, 'worker-0'), 0)();
  awaitOrphans(journals);
  expect(() => unlocks.push(lockFolder(join(journals, 'worker-0'), 0))).not.toThrow();
});
