import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { isRefusal, type HoldRefusal } from '../../../../gateway/domain/hold-command.ts';
import type { Hold } from '../../../../gateway/domain/hold.ts';
import { draft } from '../../../helpers/hold.ts';
import { engines } from './engines.ts';
import { approve, eventTypes, must, useStores } from './stores.ts';

/** Other processes may be slow on a machine at work. */
const SOON = { timeout: 60_000 };

describe.each(engines)('several processes with holds in $name', (engine) => {
  const stores = useStores(engine);
  let children: ChildProcess[];

  beforeEach(() => {
    children = [];
  });
  afterEach(async () => {
    await Promise.all(children.map(async (child) => child.kill() && (await once(child, 'exit'))));
  });

  async function startChild(): Promise<ChildProcess> {
    const child = fork(join(import.meta.dirname, 'store-child.ts'), [JSON.stringify(stores.place.at)], {
      execArgv: [],
    });
    children.push(child);
    await once(child, 'message');
    return child;
  }

  async function tell<T>(child: ChildProcess, task: object): Promise<T> {
    const answer = once(child, 'message');
    child.send(task);
    const [result] = await answer;
    return result as T;
  }

  test('processes start on a new file at once, and what one changes the others are told', async () => {
    const [store, child] = await Promise.all([stores.open(), startChild(), startChild()]);
    const seen: Hold[] = [];
    const stop = store.holds.watch((hold) => seen.push(hold));
    const { hold } = await tell<{ hold: Hold }>(child, { open: 500 });
    await expect.poll(() => seen.at(-1), SOON).toMatchObject({ id: hold.id, status: 'pending' });
    await tell(child, { approve: hold.id });
    await expect.poll(() => seen.at(-1)?.status, SOON).toBe('approved');
    stop();
    await tell(child, { open: 501 });
    expect(new Set(seen.map(({ id }) => id))).toEqual(new Set([hold.id]));
  });

  test('processes open one hold for the same call', async () => {
    const store = await stores.open();
    const [one, other] = await Promise.all([startChild(), startChild()]);
    for (let amount = 1; amount <= 20; amount++) {
      const opened = await Promise.all([
        tell<{ hold: Hold }>(one, { open: amount }),
        tell<{ hold: Hold }>(other, { open: amount }),
        store.holds.open(draft(amount)),
      ]);
      expect(new Set(opened.map(({ hold }) => hold.id)).size).toBe(1);
    }
  });

  test('processes approve at once, and one of them is told that the other was first', async () => {
    const store = await stores.open();
    const [one, other] = await Promise.all([startChild(), startChild()]);
    for (let amount = 1; amount <= 20; amount++) {
      const { hold } = await store.holds.open(draft(amount));
      const results = await Promise.all([
        tell<Hold | HoldRefusal>(one, { approve: hold.id }),
        tell<Hold | HoldRefusal>(other, { approve: hold.id }),
      ]);
      expect(results.filter(isRefusal)).toMatchObject([{ refused: 'state' }]);
    }
    expect((await eventTypes(store)).filter((type) => type === 'hold.approved')).toHaveLength(20);
  });

  test('processes keep what was committed when one is killed', async () => {
    const store = await stores.open();
    const child = await startChild();
    const { hold } = await tell<{ hold: Hold }>(child, { open: 500 });
    child.kill('SIGKILL');
    await once(child, 'exit');
    children = [];
    expect(await store.holds.find(hold.id)).toMatchObject({ status: 'pending' });
    await must(store.holds.apply(hold.id, approve()));
  });

  test('a watcher that reads after it began to watch misses nothing', async () => {
    const [one, other] = [await stores.open(), await stores.open()];
    for (let amount = 1; amount <= 30; amount++) {
      const { hold } = await one.holds.open(draft(amount));
      const settled = Promise.withResolvers<void>();
      const stop = one.holds.watch(
        (changed) => changed.id === hold.id && changed.status === 'approved' && settled.resolve(),
      );
      const approving = other.holds.apply(hold.id, approve());
      if ((await one.holds.find(hold.id))?.status === 'approved') settled.resolve();
      await Promise.all([approving, settled.promise]);
      stop();
    }
    expect(await one.counts()).toEqual([{ status: 'approved', execution: 'none', count: 30 }]);
  });
});
