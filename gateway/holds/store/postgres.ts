import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Kysely, PostgresDialect, sql } from 'kysely';
import type { Transaction } from 'kysely';
import pg from 'pg';
import type { HoldDatabase } from './database.ts';
import { CorkableClient, pipelined } from './pipelined-pool.ts';
import { leadDelivery } from './postgres-delivery.ts';
import { listen } from './postgres-listener.ts';
import type { Schema } from './schema.ts';

/** Connections of one process; a transaction that finds all of them in use waits. */
const CONNECTIONS = 8;

/** Longest wait for a connection, for an answer over one that may be dead, and twice for the end; milliseconds. */
const CONNECT_WITHIN = 10_000;
const ANSWER_WITHIN = 10_000;
const CLOSE_WITHIN = 1_000;

/**
 * Longest that the server lets a statement run, wait for a lock, or a process sit in the middle of a transaction, in
 * milliseconds. A process that stands still is ended before those give up who wait for it.
 */
const STATEMENT_WITHIN = 8_000;
const LOCK_WITHIN = 5_000;
const IDLE_IN_TRANSACTION = 3_000;

/** Keys of PostgreSQL's advisory locks, in the two-part form: `hold` in ASCII, and what is locked. */
const LOCKS = 0x686f6c64;
const NUMBERS = 1;
const SHAPE = 2;
const DELIVERY = 3;

const CHANNEL = 'holdpoint_holds';
const SOMETHING_ELSE = '-';

/** A notification carries less than 8,000 bytes. */
const IDS_PER_NOTIFICATION = 150;

/** Notifications take a lock that the whole server has once, so many changes share one. Milliseconds. */
const BETWEEN_NOTIFICATIONS = 5;

/** Milliseconds; less than `IDLE_IN_TRANSACTION`. */
const BETWEEN_LOOKS_AT_SHAPE = 100;

const UNIQUE_VIOLATION = '23505';
const SERIALIZATION_FAILURE = '40001';
const DEADLOCK = '40P01';

/**
 * A database on a PostgreSQL server (13 or newer), which any number of gateways may share. Connections that are lost are
 * made again when they are needed.
 * @param url `postgres://user:password@host:port/database`, with TLS as its `sslmode` says
 * @param lookInterval milliseconds between looks for changes that were not announced, while there are watchers
 * @throws Error for operators when the server cannot be reached or refuses the login; it does not tell the password
 */
export async function openPostgres(url: string, lookInterval: number): Promise<HoldDatabase> {
  const place = placeOf(url);
  const config: pg.ClientConfig = {
    connectionString: url,
    application_name: 'holdpoint',
    types: { getTypeParser },
    connectionTimeoutMillis: CONNECT_WITHIN,
    query_timeout: ANSWER_WITHIN,
    statement_timeout: STATEMENT_WITHIN,
    lock_timeout: LOCK_WITHIN,
    idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION,
    pipeline: true,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
  };
  const pool = new pg.Pool({
    ...config,
    Client: CorkableClient,
    max: CONNECTIONS,
    // What is read after a lock was waited for has to be what is there then, whatever the server's default.
    onConnect: async (client) => {
      await client.query('set session characteristics as transaction isolation level read committed');
    },
  });
  // A lost connection fails the query on it, or none. Without a listener the error event would end the process.
  pool.on('error', () => {});
  pool.on('connect', (client) => client.on('error', () => {}));
  const db = new Kysely<Schema>({ dialect: new PostgresDialect({ pool: pipelined(pool) }) });
  try {
    await sql`select 1`.execute(db);
  } catch (cause) {
    await db.destroy();
    throw new Error(`the holds database ${place} cannot be used: ${reasonOf(cause)}`, { cause });
  }
  const delivery = leadDelivery(db, () => new pg.Client(config), [LOCKS, DELIVERY]);

  const origin = randomUUID().slice(0, 8);
  const watching = new Set<(holdIds: readonly string[] | null) => void>();
  const tell = (holdIds: readonly string[] | null) => {
    for (const committed of watching) committed(holdIds);
  };
  let listener: { stop(): void } | null = null;

  const announcer = createAnnouncer(db, origin);

  return {
    db,
    engine: 'postgres',
    reshape: (work) =>
      db.transaction().execute(async (trx) => {
        // Asked for again and again: no statement may wait for as long as this lock may take.
        while (!(await takeShape(trx))) await sleep(BETWEEN_LOOKS_AT_SHAPE);
        return work(trx);
      }),
    nextChange: (trx) => takeNumber(trx, 'pg_advisory_xact_lock_shared'),
    nextChangeAlone: (trx) => takeNumber(trx, 'pg_advisory_xact_lock'),
    settledChange: () => takeNumber(db, 'pg_advisory_xact_lock'),
    announce(holdIds) {
      tell(holdIds);
      announcer.announce(holdIds);
    },
    onCommit(committed) {
      watching.add(committed);
      listener ??= listen({
        connect: () => new pg.Client(config),
        channel: CHANNEL,
        lookInterval,
        heard: (payload) => {
          const [from, ...ids] = payload?.split(' ') ?? [];
          if (payload === null) tell(null);
          else if (from !== origin) tell(ids.filter((id) => id !== SOMETHING_ELSE));
        },
      });
      return () => {
        watching.delete(committed);
        if (watching.size > 0) return;
        listener?.stop();
        listener = null;
      };
    },
    async time() {
      const { rows } = await sql<{ now: number }>`
        select floor(extract(epoch from clock_timestamp()) * 1000)::bigint as now`.execute(db);
      return rows[0]!.now;
    },
    delivery: () => delivery.open(),
    isConflict: (error) =>
      [UNIQUE_VIOLATION, SERIALIZATION_FAILURE, DEADLOCK].includes((error as pg.DatabaseError)?.code ?? ''),
    async close() {
      listener?.stop();
      watching.clear();
      delivery.close();
      // A server that does not answer must not keep the process from ending.
      await Promise.race([announcer.done(), sleep(CLOSE_WITHIN, undefined, { ref: false })]);
      await Promise.race([db.destroy(), sleep(CLOSE_WITHIN, undefined, { ref: false })]);
    },
  };
}

/** Notifies other processes of the holds that this one has changed; many changes share one notification. */
function createAnnouncer(db: Kysely<Schema>, origin: string) {
  const unannounced = new Set<string>();
  let announcing: Promise<void> | null = null;

  async function announceAll(): Promise<void> {
    while (unannounced.size > 0) {
      // Something else than holds is announced by itself, without any.
      const ids = unannounced.has(SOMETHING_ELSE) ? [SOMETHING_ELSE] : [...unannounced].slice(0, IDS_PER_NOTIFICATION);
      for (const id of ids) unannounced.delete(id);
      // What could not be announced is found by those who look at intervals.
      await sql`select pg_notify(${CHANNEL}, ${[origin, ...ids].join(' ')})`.execute(db).catch(() => {});
      await sleep(BETWEEN_NOTIFICATIONS);
    }
    announcing = null;
  }

  return {
    announce(holdIds: readonly string[]): void {
      for (const id of holdIds.length === 0 ? [SOMETHING_ELSE] : holdIds) unannounced.add(id);
      announcing ??= announceAll();
    },
    /** Resolves when everything is announced. */
    async done(): Promise<void> {
      await announcing;
    },
  };
}

/** Where a database is, without who may use it. */
function placeOf(url: string): string {
  // Not what `URL` throws: that repeats the whole of it, with the password.
  if (!URL.canParse(url)) throw new Error('store: expected postgres://user:password@host:port/database');
  const { hostname, port, pathname } = new URL(url);
  return `${decodeURIComponent(hostname) || 'localhost'}:${port || 5432}${pathname}`;
}

function reasonOf(error: unknown): string {
  const { message, code } = error as { message?: string; code?: string };
  return message || code || String(error);
}

/**
 * Who writes shares a lock until the commit. Who holds it alone for a moment therefore knows that each lower number is
 * either committed or was given up: numbers of a sequence are taken in one order and committed in another.
 */
async function takeNumber(
  db: Kysely<Schema> | Transaction<Schema>,
  lock: 'pg_advisory_xact_lock' | 'pg_advisory_xact_lock_shared',
): Promise<number> {
  const { rows } = await sql<{ value: number }>`
    with locked as materialized (select ${sql.raw(lock)}(${sql.lit(LOCKS)}, ${sql.lit(NUMBERS)}))
    select nextval('changes') as value from locked`.execute(db);
  return rows[0]!.value;
}

/** Whether the lock of the tables' shape was free. It is kept until the transaction ends. */
async function takeShape(trx: Transaction<Schema>): Promise<boolean> {
  const { rows } = await sql<{ taken: boolean }>`
    select pg_try_advisory_xact_lock(${sql.lit(LOCKS)}, ${sql.lit(SHAPE)}) as taken`.execute(trx);
  return rows[0]!.taken;
}

/** 64-bit integers as numbers: times, change numbers and counts all fit. */
function getTypeParser(...[type, format]: Parameters<typeof pg.types.getTypeParser>): unknown {
  return type === pg.types.builtins.INT8 ? Number : pg.types.getTypeParser(type, format);
}
