import type { Clock } from '../../domain/clock.ts';
import type { Event } from '../../domain/event.ts';
import type { HoldStore, OutboxDelivery } from '../../domain/hold-store.ts';
import type { NoticeDraft, Occasion } from '../../domain/notification.ts';
import type { Reviewer } from '../../domain/principal.ts';
import { Problem } from '../../domain/problem.ts';
import { createApplying } from './applying.ts';
import type { HoldDatabase } from './database.ts';
import * as delegations from './delegations.ts';
import { findGrant, listGrants, revokeGrant } from './grants.ts';
import { createHoldReader, type HoldCount } from './hold-reader.ts';
import { createHoldWriter } from './hold-writer.ts';
import { migrate } from './migrations.ts';
import * as notices from './notifications.ts';
import { createOpening } from './opening.ts';
import { prune } from './retention.ts';
import { fromRow } from './rows.ts';
import * as runs from './runs.ts';
import { checkKey, readSealed } from './sealed-content.ts';
import { openSqlite } from './sqlite.ts';
import { suspend } from './suspend.ts';
import { watchSuspensions } from './suspension-watch.ts';
import { endSuspension, listSuspensions } from './suspensions.ts';
import { createUsageStore, pruneUsage } from './usage.ts';
import { createVault } from './vault.ts';
import { watchChanges } from './watch.ts';
import { createWrite, lastPlace } from './unit-of-work.ts';

export type HoldStoreOptions = {
  /** 32 bytes, see `loadOrCreateKey`. Gateways on one database share it. */
  readonly key: Buffer;
  /** The name of this machine in events. */
  readonly node: string;
  readonly clock?: Clock;
  /** Milliseconds between looks for other processes' changes while somebody watches: 20 in a file, 2,000 on a server. */
  readonly pollInterval?: number;
  /** Who decides: for suggesting somebody, and for those who stand in for others. */
  readonly reviewers: readonly Reviewer[];
  /** Who has to be told of something, and how. Quick and pure: it runs inside the transaction of what it tells of. */
  readonly compose: (occasion: Occasion) => readonly NoticeDraft[];
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

/** What the embedding process gets: the store that everybody knows, and its housekeeping. */
export type OwnedHoldStore = HoldStore & {
  /** How many holds there are in each state. */
  counts(): Promise<HoldCount[]>;
  /** Deletes what is older than promised: see `retention.ts`. */
  prune(now: number): Promise<void>;
};

/**
 * Opens the store in one SQLite file, which any number of processes of this machine may have open at once, or in one
 * PostgreSQL database, which any number of gateways may share.
 * @throws Error for operators when the database cannot be used, belongs to another key or to a newer program.
 */
export async function openHoldStore(options: HoldStoreOptions): Promise<OwnedHoldStore> {
  const { key, node, clock = Date.now, reviewers, compose } = options;
  const vault = createVault(key);
  const database = await openDatabase(options);
  const { db } = database;
  let delivery: OutboxDelivery | null;
  let opened: number;
  try {
    await migrate(database);
    await checkKey(db, vault);
    delivery = await database.delivery();
    opened = await database.settledChange();
  } catch (error) {
    await database.close();
    throw error;
  }
  const reader = createHoldReader(db);
  const writer = createHoldWriter(vault);
  const write = createWrite({ database, node, compose });
  const opening = createOpening({ writer, reviewers });
  const changes = watchChanges(database, opened);
  const suspensions = watchSuspensions(database);
  const usage = createUsageStore(database);
  /** Up to which place in the outbox nothing can be missing any more. */
  let complete = 0;
  const ownRuns = new Set<string>();

  /** Who watches and then reads must not read what is older than that. */
  async function read<T>(work: () => Promise<T>): Promise<T> {
    return await available(async () => {
      await changes.ready();
      return await work();
    });
  }

  const standIn = async (reviewer: Reviewer, now: number): Promise<Reviewer> => ({
    ...reviewer,
    standsInFor: await delegations.standsInFor(db, reviewer.id, now, reviewers),
  });
  const applying = createApplying({ reader, writer, write, clock, standIn });

  return {
    open: (draft) => read(() => write(clock(), (writing) => opening.call(writing, draft))),
    openHandoff: (draft) => read(() => write(clock(), (writing) => opening.handoff(writing, draft))),
    find: (id) =>
      read(async () => {
        const row = await reader.row(id);
        return row && fromRow(row);
      }),
    list: ({ mine, ...filter }) =>
      read(async () => {
        const now = clock();
        if (mine === undefined) return await reader.list({ ...filter, now });
        const absent = await delegations.standsInFor(db, mine, now, reviewers);
        return await reader.list({ ...filter, now, people: [mine, ...absent.map(({ id }) => id)] });
      }),
    call: (id, revision) => read(() => readSealed(db, vault, id, 'call', revision)),
    response: (id) => read(() => readSealed(db, vault, id, 'response')),
    handoff: (id) => read(() => readSealed(db, vault, id, 'handoff')),
    artifact: (id, name) => read(() => readSealed(db, vault, id, `artifact/${name}`)),
    answer: (id) => read(() => readSealed(db, vault, id, 'answer')),
    apply: (id, command) => read(() => applying.apply(id, command)),
    foresee: (id, command) => read(() => applying.foresee(id, command)),
    watch: (changed) => changes.watch(changed),
    changedSince: (since, limit) => read(() => reader.changedSince(since, limit)),
    due: (now) => available(() => reader.due(now)),
    releasable: () => read(() => reader.releasable()),
    releasing: () => read(() => reader.releasing()),
    indeterminate: () => read(() => reader.indeterminate()),
    openCalls: () => read(() => reader.openCalls()),
    grants: {
      list: (filter) => available(() => listGrants(db, filter, clock())),
      find: (id) => available(() => findGrant(db, id)),
      revoke: (id, by, channel) =>
        available(() => write(clock(), (writing) => revokeGrant(writing, id, by.id, channel))),
    },
    suspensions: {
      list: () => available(() => listSuspensions(db)),
      suspend: (suspension) =>
        available(async () => {
          const superseded = await write(clock(), (writing) => suspend(writer, writing, suspension), { alone: true });
          database.announce([]);
          return { superseded };
        }),
      resume: (kind, name, by, channel) =>
        available(async () => {
          const resumed = await write(clock(), (writing) => endSuspension(writing, kind, name, by, channel));
          database.announce([]);
          return resumed;
        }),
      watch: (changed) => suspensions.watch(changed),
      refresh: () => available(() => suspensions.refresh()),
    },
    delegations: {
      list: (now) => available(() => delegations.listDelegations(db, now)),
      add: (delegation, channel) =>
        available(() => write(clock(), (writing) => delegations.insertDelegation(writing, delegation, channel))),
      standIn: (reviewer) => available(() => standIn(reviewer, clock())),
      end: (id, by, channel) =>
        available(() => write(clock(), (writing) => delegations.endDelegation(writing, id, by, channel))),
    },
    notices: {
      take: (now, until, limit) =>
        available(() => db.transaction().execute((trx) => notices.takeNotices(trx, now, until, limit))),
      settle: (id, outcome) => available(() => write(clock(), (writing) => notices.settleNotice(writing, id, outcome))),
      dead: (filter) => available(() => notices.deadNotices(db, filter)),
      resend: (id) => available(() => notices.resendNotice(db, id, clock())),
      alert: ({ key: once, groups, event }) =>
        available(async () => {
          const now = clock();
          const drafts = compose({ kind: 'alert', event, groups, at: now });
          await db.transaction().execute((trx) => notices.insertNotices({ trx, now }, drafts, once));
        }),
    },
    beat: (run) =>
      available(async () => {
        ownRuns.add(run);
        if (database.engine === 'postgres') await runs.beat(db, run, await database.time());
      }),
    // A file belongs to one gateway, so that any other run on it is over.
    liveRuns: () =>
      available(async () =>
        database.engine === 'postgres' ? await runs.liveRuns(db, await database.time()) : [...ownRuns],
      ),
    outbox: {
      read: (afterSeq, limit) =>
        available(async () => {
          const after = (seq: number) => db.selectFrom('outbox').where('seq', '>', seq).orderBy('seq');
          const isMore = await after(Math.max(afterSeq, complete)).select('seq').limit(1).executeTakeFirst();
          if (isMore) complete = lastPlace(await database.settledChange());
          const rows = await after(afterSeq).selectAll().where('seq', '<=', complete).limit(limit).execute();
          return rows.map(({ seq, event }) => ({ seq, event: JSON.parse(event) as Event }));
        }),
      forget: (throughSeq) =>
        available(async () => {
          await db.deleteFrom('outbox').where('seq', '<=', throughSeq).execute();
        }),
      delivery,
    },
    usage: {
      add: (counts) => available(() => usage.add(counts)),
      totals: (since) => available(() => usage.totals(since)),
    },
    counts: () => available(() => reader.counts()),
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

/** Whatever goes wrong below is one thing above: nothing was stored, nothing may be forwarded. */
async function available<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    throw cause instanceof Problem ? cause : new Problem('store-unavailable', { cause });
  }
}
