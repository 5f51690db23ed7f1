import { mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import { watchPolicies } from '../../policies/watch.ts';
import { inFolder } from './real-opa.ts';

type Step = () => Promise<unknown>;

/** Runs steps on a watched folder, each once the watcher has noticed the previous one; returns their number. */
async function noticed(dir: string, steps: readonly Step[], interval = 60_000): Promise<number> {
  let changes = 0;
  let done = 0;
  const stop = watchPolicies({ dir, onChange: () => changes++, debounce: 10, interval });
  try {
    for (const step of steps) {
      const before = changes;
      await step();
      await vi.waitFor(() => expect(changes).toBeGreaterThan(before), { timeout: 10_000 });
      done++;
      // One step may cause several batches of events, so the next one waits for quiet.
      for (let seen = -1; seen !== changes;) {
        seen = changes;
        await new Promise((resolve) => setTimeout(resolve, 60));
      }
    }
    return done;
  } finally {
    stop();
  }
}

it('the watcher notices a file that is written, replaced by renaming as editors do, and removed', () =>
  inFolder({ 'a.rego': '1' }, async (dir) => {
    const file = join(dir, 'a.rego');
    const steps = [
      () => writeFile(file, '2'),
      () => writeFile(`${file}.swp`, '3').then(() => rename(`${file}.swp`, file)),
      () => writeFile(file, '4'),
      () => rm(file),
    ];
    expect(await noticed(dir, steps)).toBe(4);
  }));

it('the watcher notices files in folders that came later', () =>
  inFolder({}, async (dir) => {
    const steps = [
      () => mkdir(join(dir, 'rules/deep'), { recursive: true }),
      () => writeFile(join(dir, 'rules/deep/a.rego'), '1'),
      () => writeFile(join(dir, 'rules/deep/a.rego'), '2'),
    ];
    expect(await noticed(dir, steps)).toBe(3);
  }));

it('the watcher notices a swapped link, as in mounted configuration', () =>
  inFolder({ 'one/a.rego': '1', 'two/a.rego': '2', 'live/.keep': '' }, async (dir) => {
    const live = join(dir, 'live');
    await symlink('../one', join(live, '..data'));
    const swap = () =>
      symlink('../two', join(live, '..new')).then(() => rename(join(live, '..new'), join(live, '..data')));
    expect(await noticed(live, [swap])).toBe(1);
  }));

it('the watcher checks again by itself, even while the folder is missing', () =>
  inFolder({ 'live/a.rego': '1' }, async (dir) => {
    const live = join(dir, 'live');
    const steps = [() => rename(live, join(dir, 'old')), () => Promise.resolve(), () => rename(join(dir, 'old'), live)];
    // The watcher keeps checking, so each step is noticed by the next check.
    let looks = 0;
    const stop = watchPolicies({ dir: live, onChange: () => looks++, debounce: 1, interval: 20 });
    try {
      for (const step of steps) {
        await step();
        const before = looks;
        await vi.waitFor(() => expect(looks).toBeGreaterThan(before + 1), { timeout: 10_000 });
      }
    } finally {
      stop();
    }
    const after = looks;
    await new Promise((resolve) => setTimeout(resolve, 60));
    expect(looks).toBe(after);
  }));
