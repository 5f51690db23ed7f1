import type { Hold } from '../../domain/hold.ts';
import type { HoldDatabase } from './database.ts';
import type { Documents } from './documents.ts';
import { fromRow } from './rows.ts';

const PAGE = 512;

export type ChangeWatch = {
  watch(changed: (hold: Hold) => void): () => void;
  /** Resolves when whatever is read from now on is no older than what watchers will be told from. @throws as reading does */
  ready(): Promise<void>;
  /** Resolves when every watcher was told of what was committed before this call. @throws as reading does */
  refresh(): Promise<void>;
  stop(): void;
};

/**
 * Tells of every hold that any process changed; of one that changed twice meanwhile only the newest version is told.
 * A caller that watches first and reads a hold after that (and after `ready`) misses nothing.
 *
 * There are two ways to hear of a change. Its process may name the hold: that is quick, but not reliable. And
 * everything up to a settled number can be looked at, which leaves no gap.
 * @param opened the settled number when the store was opened; the first watchers are told of everything since
 */
export function watchChanges(
  { db, onCommit, settledChange }: HoldDatabase,
  documents: Documents,
  opened: number,
): ChangeWatch {
  const watchers = new Set<(hold: Hold) => void>();
  let quit: (() => void) | null = null;
  /** Every change up to it has been told, or was there before anybody watched. */
  let floor: Promise<number> | null = Promise.resolve(opened);
  /** By which change each hold was told last, as far as that was lately. */
  const told = new Map<string, number>();
  const named = new Set<string>();
  let everything = false;
  let looking: Promise<void> | null = null;

  function begin(): Promise<number> {
    const asked = settledChange();
    floor = asked;
    asked.catch(() => {
      if (floor === asked) floor = null;
    });
    return asked;
  }

  /** One look at a time. What is wanted while one is under way is part of it. */
  function look(): Promise<void> {
    looking ??= Promise.resolve().then(lookWhileWanted);
    return looking;
  }

  async function lookWhileWanted(): Promise<void> {
    try {
      while (watchers.size > 0 && (everything || named.size > 0)) {
        if (named.size > 0) {
          const ids = [...named].slice(0, PAGE);
          for (const id of ids) named.delete(id);
          await tell(ids);
        } else {
          everything = false;
          await lookAtAll();
        }
      }
    } finally {
      looking = null;
    }
  }

  async function lookAtAll(): Promise<void> {
    const from = await (floor ?? begin());
    let since = from;
    const upTo = await settledChange();
    for (;;) {
      const rows = await db
        .selectFrom('holds')
        .select(['id', 'change'])
        .where('change', '>', since)
        .where('change', '<=', upTo)
        .orderBy('change')
        .limit(PAGE)
        .execute();
      await tell(rows.filter(({ id, change }) => told.get(id) !== change).map(({ id }) => id));
      if (rows.length < PAGE) break;
      since = rows.at(-1)!.change;
    }
    floor = Promise.resolve(upTo);
    // Kept for one round longer: who is named may have been found already.
    for (const [id, change] of told) if (change <= from) told.delete(id);
  }

  async function tell(ids: readonly string[]): Promise<void> {
    if (ids.length === 0) return;
    const rows = await db
      .selectFrom('holds')
      .select(['id', 'change', 'document'])
      .where('id', 'in', filledUp(ids))
      .execute();
    for (const row of rows.toSorted((a, b) => a.change - b.change)) {
      if (told.get(row.id) === row.change) continue;
      told.set(row.id, row.change);
      const hold = fromRow(row, documents);
      for (const changed of watchers) changed(hold);
    }
  }

  const committed = (holdIds: readonly string[] | null) => {
    if (holdIds === null) everything = true;
    else for (const id of holdIds) named.add(id);
    // What could not be read now is looked at after the next commit, or at the next interval.
    look().catch(() => void (everything = true));
  };

  function stop(): void {
    quit?.();
    quit = null;
    floor = null;
    told.clear();
    named.clear();
  }

  return {
    watch(changed) {
      // A wrapper of its own for each call: the same function given twice is two watchers.
      const watcher = (hold: Hold) => changed(hold);
      watchers.add(watcher);
      if (!floor) begin();
      quit ??= onCommit(committed);
      return () => {
        watchers.delete(watcher);
        if (watchers.size === 0) stop();
      };
    },
    async ready() {
      if (watchers.size > 0) await (floor ?? begin());
    },
    async refresh() {
      everything = true;
      try {
        await look();
      } catch (error) {
        everything = true;
        throw error;
      }
    },
    stop() {
      watchers.clear();
      stop();
    },
  };
}

/** To a power of two, so that lists of all lengths make few different statements. */
function filledUp(ids: readonly string[]): string[] {
  const length = 2 ** Math.ceil(Math.log2(ids.length));
  return Array.from({ length }, (_none, index) => ids[index] ?? ids[0]!);
}
