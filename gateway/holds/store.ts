import { setImmediate as breathe } from 'node:timers/promises';
import type { Clock } from '../domain/clock.ts';
import type { Event } from '../domain/event.ts';
import type { HoldStore } from '../domain/hold.ts';
import { Problem } from '../domain/problem.ts';
import { attachToExisting } from './attach.ts';
import { createHoldReader, type HoldCount } from './hold-reader.ts';
import { createHoldWriter } from './hold-writer.ts';
import type { Writing } from './hold-writer.ts';
import { transition } from './machine.ts';
import { migrate } from './migrations.ts';
import { prune } from './retention.ts';
import { fromRow, overdueCommand } from './rows.ts';
import { checkKey, readSealed } from './sealed-content.ts';
import { nextChange } from './sequence.ts';
import { openSqlite } from './sqlite.ts';
import { createVault } from './vault.ts';
import { watchChanges } from './watch.ts';

export type HoldStoreOptions = {
  /** The SQLite file, made when it is not there. */
  readonly file: string;
  /** 32 bytes, see `loadOrCreateKey`. */
  readonly key: Buffer;
  /** The name of this machine in events. */
  readonly node: string;
  readonly clock?: Clock;
  /** Milliseconds between looks for other processes' changes while somebody watches. */
  readonly pollInterval?: number;
};

/** What the embedding process gets: the store that everybody knows, and its housekeeping. */
export type OwnedHoldStore = HoldStore & {
  /** How many holds there are in each state. */
  counts(): Promise<HoldCount[]>;
  /** Deletes answers and settled holds that are older than promised (`ANSWER_KEPT`, `SETTLED_KEPT`). */
  prune(now: number): Promise<void>;
};

/**
 * Opens the store in one SQLite file, which any number of processes may have open at once.
 * @throws Error for operators when the file cannot be used, belongs to another key or to a newer program.
 */
export async function openHoldStore(options: HoldStoreOptions): Promise<OwnedHoldStore> {
  const { file, key, node, clock = Date.now, pollInterval = 20 } = options;
  const vault = createVault(key);
  const database = await openSqlite(file, pollInterval);
  const { db } = database;
  try {
    await migrate(db, database.bytes);
    await checkKey(db, vault);
  } catch (error) {
    await database.close();
    throw error;
  }
  const reader = createHoldReader(db);
  const writer = createHoldWriter({ vault, node });
  const changes = watchChanges(database);

  /** One transaction; afterwards this process's watchers are told. */
  async function write<T>(now: number, work: (writing: Writing) => Promise<T>): Promise<T> {
    const result = await db.transaction().execute(async (trx) => {
      // Before anything is read: from here to the commit no other process writes.
      await nextChange(trx);
      return await work({ trx, now });
    });
    changes.look();
    return result;
  }

  return {
    open: (draft) =>
      available(() =>
        write(clock(), async (writing) => {
          const existing = await attachToExisting(writer, writing, draft);
          return existing
            ? { hold: existing, attached: true }
            : { hold: await writer.insert(writing, draft), attached: false };
        }),
      ),
    find: (id) =>
      available(async () => {
        const row = await reader.row(id);
        return row && fromRow(row);
      }),
    list: (filter) => available(() => reader.list(filter)),
    call: (id) => available(() => readSealed(db, vault, id, 'call')),
    response: (id) => available(() => readSealed(db, vault, id, 'response')),
    apply: (id, command) =>
      available(async () => {
        for (;;) {
          const before = await reader.row(id);
          if (!before) return { refused: 'not-found', detail: 'There is no such hold.', hold: null };
          const now = clock();
          const hold = fromRow(before);
          // A timer that is late must not leave a hold looking alive: whoever comes first settles it.
          const overdue = overdueCommand(hold, now);
          const change = transition(hold, overdue ?? command, now);
          if ('refused' in change) return change;
          const response = command.type === 'executed' ? command.response : undefined;
          const won = await write(now, (writing) => writer.update(writing, before, change, response));
          if (won && (!overdue || overdue.type === command.type)) return change.hold;
          if (!won) await breathe();
        }
      }),
    watch: (changed) => changes.watch(changed),
    due: (now) => available(() => reader.due(now)),
    releasable: () => available(() => reader.releasable()),
    releasing: () => available(() => reader.releasing()),
    outbox: {
      read: (afterSeq, limit) =>
        available(async () => {
          const rows = db.selectFrom('outbox').selectAll().where('seq', '>', afterSeq).orderBy('seq').limit(limit);
          return (await rows.execute()).map(({ seq, event }) => ({ seq, event: JSON.parse(event) as Event }));
        }),
      forget: (throughSeq) =>
        available(async () => {
          await db.deleteFrom('outbox').where('seq', '<=', throughSeq).execute();
        }),
    },
    counts: () => available(() => reader.counts()),
    prune: (now) => available(() => prune(db, now)),
    async close() {
      changes.stop();
      await database.close();
    },
  };
}

/** Whatever goes wrong below is one thing above: nothing was stored, nothing may be forwarded. */
async function available<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    throw cause instanceof Problem ? cause : new Problem('store-unavailable', { cause });
  }
}
