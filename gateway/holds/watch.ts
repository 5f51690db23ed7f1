import type { Hold } from '../domain/hold.ts';
import { currentChange } from './sequence.ts';
import { fromRow } from './rows.ts';
import type { HoldDatabase } from './sqlite.ts';

const PAGE = 500;

export type ChangeWatch = {
  watch(changed: (hold: Hold) => void): () => void;
  /** Looks now: this process has committed. */
  look(): void;
  stop(): void;
};

/**
 * Tells of every hold that any process changed. Changes commit in the order of the sequence, so "everything after the
 * last one seen" has no gaps; of a hold that changed twice meanwhile only the newest version is told. Somebody who
 * watches first and reads a hold after that misses nothing.
 */
export function watchChanges({ db, onCommit }: Pick<HoldDatabase, 'db' | 'onCommit'>): ChangeWatch {
  const watchers = new Set<(hold: Hold) => void>();
  let quit: (() => void) | null = null;
  let last: Promise<number> = Promise.resolve(0);
  let looking = false;
  let again = false;

  async function look(): Promise<void> {
    if (looking) {
      again = true;
      return;
    }
    looking = true;
    try {
      do {
        again = false;
        const since = await last;
        const rows = await db
          .selectFrom('holds')
          .select(['change', 'document'])
          .where('change', '>', since)
          .orderBy('change')
          .limit(PAGE)
          .execute();
        const newest = rows.at(-1)?.change;
        if (newest !== undefined) last = Promise.resolve(newest);
        for (const row of rows) for (const changed of watchers) changed(fromRow(row));
        again ||= rows.length === PAGE;
      } while (again && watchers.size > 0);
    } finally {
      looking = false;
    }
  }

  const lookSoon = () => {
    // A read that failed leaves `last` where it was: the next commit, or the next look, reads the same changes.
    if (watchers.size > 0) look().catch(() => {});
  };

  return {
    watch(changed) {
      // Asked for at once, not at the first commit: whatever the caller reads next is newer than this.
      if (watchers.size === 0) last = currentChange(db).catch(() => 0);
      // A wrapper of its own for each call: the same function given twice is two watchers.
      const watcher = (hold: Hold) => changed(hold);
      watchers.add(watcher);
      quit ??= onCommit(lookSoon);
      return () => {
        watchers.delete(watcher);
        if (watchers.size > 0) return;
        quit?.();
        quit = null;
      };
    },
    look: lookSoon,
    stop() {
      watchers.clear();
      quit?.();
      quit = null;
    },
  };
}
