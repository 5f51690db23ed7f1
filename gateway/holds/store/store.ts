import type { Clock } from '../../domain/clock.ts';
import type { NotificationDraft, NotificationTrigger } from '../../domain/notification.ts';
import type { OutboxDelivery } from '../../domain/outbox.ts';
import type { Reviewer } from '../../domain/principal.ts';
import type { Store } from '../../domain/store.ts';
import { available } from './available.ts';
import type { HoldDatabase } from './database.ts';
import { createDelegationStore } from './delegations.ts';
import { createDocuments } from './documents.ts';
import { createGrantStore } from './grants.ts';
import { checkKey, createHoldContents } from './hold-contents.ts';
import { createHoldReader, type HoldCount } from './hold-reader.ts';
import { createHoldWriter } from './hold-writer.ts';
import { createHoldStore } from './holds.ts';
import { migrate } from './migrations.ts';
import { createNotificationStore } from './notifications.ts';
import { createOutbox } from './outbox.ts';
import { createPreferenceStore } from './preferences.ts';
import { prune } from './retention.ts';
import { createRunStore } from './runs.ts';
import { createSenderStore } from './senders.ts';
import { createSessionStore } from './sessions.ts';
import { openSqlite } from './sqlite.ts';
import { watchSuspensions } from './suspension-watch.ts';
import { createSuspensionStore } from './suspensions.ts';
import { createTaskStore } from './tasks.ts';
import { createToolStore } from './tools.ts';
import { createTransact } from './transact.ts';
import { createUsageStore, pruneUsage } from './usage.ts';
import { createVault } from './vault.ts';
import { watchChanges } from './watch.ts';

export type HoldStoreOptions = {
  /** 32 bytes, see `loadOrCreateKey`. Gateways on one database share it. */
  readonly key: Buffer;
  /** The name of this machine in events. */
  readonly node: string;
  readonly clock?: Clock;
  /** Milliseconds between looks for other processes' changes while there are watchers: 20 in a file, 2,000 on a server. */
  readonly pollInterval?: number;
  /** The people who decide: for the assignee, and for delegations. */
  readonly reviewers: readonly Reviewer[];
  /** Says who is notified, and how. Quick and pure: it runs inside the transaction that it tells of. */
  readonly compose: (trigger: NotificationTrigger) => readonly NotificationDraft[];
} & (
  | {
      /** The SQLite file, made when it is not there. */
      readonly file: string;
    }
  | {
      /** The PostgreSQL database, as `postgres://user:password@host:port/database`. */
      readonly url: string;
    }
);

/** The store, and its housekeeping for the process that opens it. */
export type OwnedStore = Store & {
  /** How many holds there are in each state. */
  counts(): Promise<HoldCount[]>;
  /** Follows another configuration from the next transaction on. */
  configure(settings: Pick<HoldStoreOptions, 'reviewers' | 'compose'>): void;
  /** Deletes what is older than promised: see `retention.ts`. */
  prune(now: number): Promise<void>;
};

/**
 * Opens the store in one SQLite file, which any number of processes of this machine may have open at once, or in one
 * PostgreSQL database, which any number of gateways may share.
 * @throws Error for operators when the database cannot be used, belongs to another key or to a newer program.
 */
export async function openHoldStore(options: HoldStoreOptions): Promise<OwnedStore> {
  const { key, node, clock = Date.now } = options;
  let settings: Pick<HoldStoreOptions, 'reviewers' | 'compose'> = options;
  const reviewers = () => settings.reviewers;
  const compose = (trigger: NotificationTrigger) => settings.compose(trigger);
  const vault = createVault(key);
  const database = await openDatabase(options);
  const { db } = database;
  let delivery: OutboxDelivery | null;
  let opened: number;
  try {
    await migrate(database, vault);
    await checkKey(db, vault);
    delivery = await database.delivery();
    opened = await database.settledChange();
  } catch (error) {
    await database.close();
    throw error;
  }
  const documents = createDocuments(vault);
  const reader = createHoldReader(db, documents);
  const writer = createHoldWriter(vault);
  const transact = createTransact({ database, documents, node, compose });
  const changes = watchChanges(database, documents, opened);
  const suspensions = watchSuspensions(database);

  return {
    holds: createHoldStore({ database, documents, reader, writer, transact, changes, reviewers, clock }),
    contents: createHoldContents(db, vault, changes),
    grants: createGrantStore(db, documents, transact, clock),
    suspensions: createSuspensionStore({ database, writer, transact, watch: suspensions, clock }),
    delegations: createDelegationStore(db, transact, clock, reviewers),
    notifications: createNotificationStore(db, transact, clock, compose),
    preferences: createPreferenceStore(db, transact, clock),
    sessions: createSessionStore(db, documents, transact, clock),
    outbox: createOutbox(database, delivery),
    runs: createRunStore(database),
    senders: createSenderStore(database, clock),
    usage: createUsageStore(database),
    tools: createToolStore(db, clock),
    tasks: createTaskStore(db, vault, clock),
    counts: () => available(() => reader.counts()),
    configure(changed) {
      settings = changed;
    },
    prune: (now) =>
      available(async () => {
        await prune(db, now);
        await pruneUsage(db, now);
      }),
    async close() {
      changes.stop();
      suspensions.stop();
      await database.close();
    },
  };
}

/** What one kind of database needs is not loaded where the other is used: the client alone is 14 MB of each process. */
async function openDatabase(options: HoldStoreOptions): Promise<HoldDatabase> {
  if ('file' in options) return openSqlite(options.file, options.pollInterval ?? 20);
  const { openPostgres } = await import('./postgres.ts');
  return openPostgres(options.url, options.pollInterval ?? 2_000);
}
