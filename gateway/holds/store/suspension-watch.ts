import type { Suspension } from '../../domain/suspension.ts';
import type { HoldDatabase } from './database.ts';
import { listSuspensions } from './suspension-rows.ts';

export type SuspensionWatch = {
  watch(changed: (suspensions: readonly Suspension[]) => void): () => void;
  /** Resolves when every watcher knows what was committed before this call. @throws when that cannot be read */
  refresh(): Promise<void>;
  stop(): void;
};

type Watcher = { readonly tell: (suspensions: readonly Suspension[]) => void; told: string | null };

/**
 * Tells of all suspensions, at first and whenever any process has changed them. They are few and are read whole; a
 * read that fails leaves the watchers with what they know, and the next commit reads again.
 */
export function watchSuspensions({ db, onCommit }: Pick<HoldDatabase, 'db' | 'onCommit'>): SuspensionWatch {
  const watchers = new Set<Watcher>();
  let quit: (() => void) | null = null;
  let last: Promise<void> = Promise.resolve();
  let queued: Promise<void> | null = null;

  async function look(): Promise<void> {
    queued = null;
    const suspensions = await listSuspensions(db);
    const text = JSON.stringify(suspensions);
    for (const watcher of watchers) {
      if (watcher.told === text) continue;
      watcher.told = text;
      watcher.tell(suspensions);
    }
  }

  /** One look after the other, so that no older answer overtakes a newer one; who comes while one is queued joins it. */
  function refresh(): Promise<void> {
    queued ??= last = last.catch(() => {}).then(look);
    return queued;
  }

  const lookSoon = () => {
    if (watchers.size > 0) refresh().catch(() => {});
  };

  /** Most commits are of holds alone, which is known; suspensions are announced as something else. */
  const committed = (holdIds: readonly string[] | null) => {
    if (holdIds === null || holdIds.length === 0) lookSoon();
  };

  return {
    watch(changed) {
      const watcher: Watcher = { tell: changed, told: null };
      watchers.add(watcher);
      quit ??= onCommit(committed);
      lookSoon();
      return () => {
        watchers.delete(watcher);
        if (watchers.size > 0) return;
        quit?.();
        quit = null;
      };
    },
    refresh,
    stop() {
      watchers.clear();
      quit?.();
      quit = null;
    },
  };
}
