import { closeSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { SQLInputValue, StatementSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  CompiledQuery,
  Kysely,
  SqliteAdapter,
  SqliteDriver,
  SqliteIntrospector,
  SqliteQueryCompiler,
  sql,
  type DatabaseConnection,
  type SqliteDatabase,
  type Transaction,
} from 'kysely';
import type { HoldDatabase } from './database.ts';
import type { Schema } from './schema.ts';

/** Longest that a statement waits for another connection's transaction, in milliseconds. */
const PATIENCE = 2_000;
/** The same while another process may bring the tables to this version, and then make the file compact. */
const RESHAPE_PATIENCE = 30 * 60_000;

class PatientDriver extends SqliteDriver {
  /** Milliseconds. */
  patience = PATIENCE;
  #patient: DatabaseConnection | undefined;

  override async acquireConnection(): Promise<DatabaseConnection> {
    this.#patient ??= patientConnection(await super.acquireConnection(), () => this.patience);
    return this.#patient;
  }

  /** Every transaction here writes. One that began by reading could not be made to wait for another writer: it would fail. */
  override async beginTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw('begin immediate'));
  }
}

/** SQLite's own busy timeout would block the event loop, and with it every call of this process; this one does not. */
function patientConnection(connection: DatabaseConnection, patience: () => number): DatabaseConnection {
  return {
    async executeQuery(query) {
      const deadline = performance.now() + patience();
      for (;;) {
        try {
          return await connection.executeQuery(query);
        } catch (error) {
          if (!isBusy(error) || performance.now() > deadline) throw error;
          await sleep(1 + Math.random() * 3);
        }
      }
    },
    streamQuery: (query, chunkSize) => connection.streamQuery(query, chunkSize),
  };
}

/** SQLITE_BUSY, in any of its extended forms. */
function isBusy(error: unknown): boolean {
  return ((error as { errcode?: number }).errcode ?? 0) % 256 === 5;
}

/**
 * Opens one SQLite file that several processes share: write-ahead log, each commit on disk before it is told
 * (`synchronous=FULL`). The file is created for this user alone.
 * @param pollInterval milliseconds between looks for other processes' commits, while there are watchers.
 */
export async function openSqlite(file: string, pollInterval: number): Promise<HoldDatabase> {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  createPrivately(file);
  const main = await connect(file);
  const observer = await connect(file);

  const driver = new PatientDriver({ database: asKyselyDatabase(main) });
  const db = new Kysely<Schema>({
    dialect: {
      createDriver: () => driver,
      createQueryCompiler: () => new SqliteQueryCompiler(),
      createAdapter: () => new SqliteAdapter(),
      createIntrospector: (db) => new SqliteIntrospector(db),
    },
  });

  const watching = new Set<(holdIds: null) => void>();
  const tell = () => {
    for (const committed of watching) committed(null);
  };
  // SQLite changes this number on a connection whenever another one commits: a few microseconds, no lock.
  const dataVersion = observer.prepare('pragma data_version');
  let last: unknown;
  let timer: NodeJS.Timeout | undefined;
  const poll = () => {
    try {
      const version = dataVersion.get()?.['data_version'];
      if (version === last) return;
      last = version;
    } catch {
      // Busy, or worse; the next statement says so. Another process may have committed meanwhile.
    }
    tell();
  };

  return {
    db,
    engine: 'sqlite',
    // The transaction itself keeps everybody else out.
    async reshape(work) {
      driver.patience = RESHAPE_PATIENCE;
      return db
        .transaction()
        .execute(work)
        .finally(() => (driver.patience = PATIENCE));
    },
    nextChange,
    nextChangeAlone: nextChange,
    async settledChange() {
      const { value } = await db.selectFrom('sequence').select('value').where('id', '=', 1).executeTakeFirstOrThrow();
      return value;
    },
    announce: tell,
    time: async () => Date.now(),
    // One gateway alone has the file open: see the lock of the data folder.
    delivery: async () => null,
    isConflict: () => false,
    onCommit(committed) {
      watching.add(committed);
      timer ??= setInterval(poll, pollInterval).unref();
      return () => {
        watching.delete(committed);
        if (watching.size > 0) return;
        clearInterval(timer);
        timer = undefined;
      };
    },
    async close() {
      clearInterval(timer);
      watching.clear();
      if (observer.isOpen) observer.close();
      await db.destroy();
    },
  };
}

/** SQLite has one writer at a time, so changes become visible in the order of their numbers. */
async function nextChange(trx: Transaction<Schema>): Promise<number> {
  const { value } = await trx
    .updateTable('sequence')
    .set({ value: sql<number>`value + 1` })
    .where('id', '=', 1)
    .returning('value')
    .executeTakeFirstOrThrow();
  return value;
}

/** Never opens a file that is there: closing it again would drop the locks of this process's other connections to it. */
function createPrivately(file: string): void {
  try {
    closeSync(openSync(file, 'wx', 0o600));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}

async function connect(file: string): Promise<DatabaseSync> {
  const database = new DatabaseSync(file);
  // Two processes that switch a new file to WAL at once: one is told that it is locked.
  for (const deadline = performance.now() + PATIENCE; ;) {
    try {
      database.exec('pragma journal_mode = wal; pragma synchronous = full; pragma trusted_schema = off');
      return database;
    } catch (error) {
      if (!isBusy(error) || performance.now() > deadline) {
        database.close();
        throw error;
      }
      await sleep(5);
    }
  }
}

/** Kysely's own dialect expects better-sqlite3's calling convention. Statements are few and are prepared once. */
function asKyselyDatabase(database: DatabaseSync): SqliteDatabase {
  const statements = new Map<string, ReturnType<SqliteDatabase['prepare']>>();
  return {
    prepare(sql) {
      const known = statements.get(sql);
      if (known) return known;
      const prepared = asKyselyStatement(database.prepare(sql));
      statements.set(sql, prepared);
      return prepared;
    },
    close: () => {
      if (database.isOpen) database.close();
    },
  };
}

const values = (parameters: readonly unknown[]) => parameters as SQLInputValue[];

function asKyselyStatement(statement: StatementSync): ReturnType<SqliteDatabase['prepare']> {
  return {
    reader: statement.columns().length > 0,
    all: (parameters) => statement.all(...values(parameters)),
    run: (parameters) => statement.run(...values(parameters)),
    iterate: (parameters) => statement.iterate(...values(parameters)),
  };
}
