import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import type { Transaction } from 'kysely';
import type { Engine, HoldDatabase } from './database.ts';
import type { Schema } from './schema.ts';
import { sealDocuments } from './seal-documents.ts';
import type { Vault } from './vault.ts';

type Migration = (db: Transaction<Schema>, engine: Engine, vault: Vault) => Promise<void>;

/** Development versions before the first release kept theirs in another shape, as number 1. */
const FIRST = 2;

/** In order; a released one is never edited. The first brings the tables to version `FIRST`, each further one a version on. */
const migrations: readonly Migration[] = [
  async (db, engine) => {
    const bytes = sql.raw(engine === 'sqlite' ? 'blob' : 'bytea');
    // Compared by their bytes, as SQLite does it: the order of a page must not depend on the server's language.
    const name = sql.raw(engine === 'sqlite' ? 'text' : 'text collate "C"');
    const is = (condition: string) => sql<boolean>`${sql.raw(condition)}`;

    if (engine === 'sqlite') {
      await db.schema
        .createTable('sequence')
        .addColumn('id', 'integer', (column) => column.primaryKey())
        .addColumn('value', 'bigint', (column) => column.notNull())
        .execute();
      await db.insertInto('sequence').values({ id: 1, value: 0 }).execute();
    } else {
      await sql`create sequence changes`.execute(db);
      await db.schema
        .createTable('delivery')
        .addColumn('id', 'integer', (column) => column.primaryKey())
        .addColumn('home', 'text', (column) => column.notNull())
        .addColumn('version', 'integer', (column) => column.notNull())
        .addColumn('state', 'text')
        .execute();
      await db.insertInto('delivery').values({ id: 1, home: randomUUID(), version: 0, state: null }).execute();
    }

    await db.schema
      .createTable('holds')
      .addColumn('id', name, (column) => column.primaryKey())
      .addColumn('version', 'integer', (column) => column.notNull())
      .addColumn('change', 'bigint', (column) => column.notNull())
      .addColumn('changed_at', 'bigint', (column) => column.notNull())
      .addColumn('kind', name, (column) => column.notNull())
      .addColumn('status', name, (column) => column.notNull())
      .addColumn('execution', name, (column) => column.notNull())
      .addColumn('open', 'integer', (column) => column.notNull())
      .addColumn('agent', name, (column) => column.notNull())
      .addColumn('system', name, (column) => column.notNull())
      .addColumn('digest', name, (column) => column.notNull())
      .addColumn('idempotency_key', name)
      .addColumn('has_handle', 'integer', (column) => column.notNull())
      .addColumn('group_names', name, (column) => column.notNull())
      .addColumn('assignee', name)
      .addColumn('lease_by', name)
      .addColumn('to_agent', name)
      .addColumn('sla_at', 'bigint', (column) => column.notNull())
      .addColumn('due_at', 'bigint')
      .addColumn('decided_at', 'bigint')
      .addColumn('settled_at', 'bigint')
      .addColumn('trace_id', 'text')
      .addColumn('document', 'text', (column) => column.notNull())
      .execute();
    // Documents are read whole and changed often: compressing each one costs more than it saves.
    if (engine === 'postgres') await sql`alter table holds set (toast_tuple_target = 8160)`.execute(db);
    const onHolds = (index: string) => db.schema.createIndex(index).on('holds');
    await onHolds('holds_key')
      .columns(['agent', 'idempotency_key', 'id'])
      .where(is('idempotency_key is not null'))
      .execute();
    await onHolds('holds_change').column('change').execute();
    await onHolds('holds_changed_at').columns(['changed_at', 'id']).execute();
    await onHolds('holds_status').columns(['status', 'id']).execute();
    // What timers, releasers and routing ask for again and again is among the open holds, which are few.
    await onHolds('holds_open').columns(['status', 'execution', 'assignee']).where(is('open = 1')).execute();
    await onHolds('holds_to_agent').columns(['to_agent', 'id']).where(is('to_agent is not null')).execute();
    await onHolds('holds_due').column('due_at').where(is('due_at is not null')).execute();
    await onHolds('holds_settled').column('settled_at').where(is('settled_at is not null')).execute();
    // Two callers with the same call can never have two open holds, whatever the code above them does. These come last:
    // among indexes that seem equal, as all do while the table is empty, PostgreSQL takes the last and keeps to it.
    await onHolds('holds_open_digest').unique().columns(['agent', 'digest']).where(is('open = 1')).execute();
    await onHolds('holds_open_key')
      .unique()
      .columns(['agent', 'idempotency_key'])
      .where(is('open = 1 and idempotency_key is not null'))
      .execute();

    await db.schema
      .createTable('sealed')
      .addColumn('hold_id', name, (column) => column.notNull())
      .addColumn('kind', name, (column) => column.notNull())
      .addColumn('revision', 'integer', (column) => column.notNull())
      .addColumn('content', bytes, (column) => column.notNull())
      .addPrimaryKeyConstraint('sealed_key', ['hold_id', 'kind', 'revision'])
      .execute();

    await db.schema
      .createTable('outbox')
      .addColumn('seq', 'bigint', (column) => column.primaryKey())
      .addColumn('event', 'text', (column) => column.notNull())
      .execute();

    await db.schema
      .createTable('grants')
      .addColumn('id', name, (column) => column.primaryKey())
      .addColumn('agent', name, (column) => column.notNull())
      .addColumn('system', name, (column) => column.notNull())
      .addColumn('operation', name, (column) => column.notNull())
      .addColumn('hold_id', name, (column) => column.notNull())
      .addColumn('used', 'integer', (column) => column.notNull())
      .addColumn('uses', 'integer', (column) => column.notNull())
      .addColumn('until', 'bigint', (column) => column.notNull())
      .addColumn('revoked_at', 'bigint')
      .addColumn('document', 'text', (column) => column.notNull())
      .execute();
    await db.schema
      .createIndex('grants_call')
      .on('grants')
      .columns(['agent', 'system', 'operation', 'until'])
      .execute();

    await db.schema
      .createTable('suspensions')
      .addColumn('kind', name, (column) => column.notNull())
      .addColumn('name', name, (column) => column.notNull())
      .addColumn('by_whom', 'text', (column) => column.notNull())
      .addColumn('channel', 'text', (column) => column.notNull())
      .addColumn('reason', 'text')
      .addColumn('at', 'bigint', (column) => column.notNull())
      .addPrimaryKeyConstraint('suspensions_key', ['kind', 'name'])
      .execute();

    await db.schema
      .createTable('delegations')
      .addColumn('id', name, (column) => column.primaryKey())
      .addColumn('from_person', name, (column) => column.notNull())
      .addColumn('to_person', name, (column) => column.notNull())
      .addColumn('since', 'bigint', (column) => column.notNull())
      .addColumn('until', 'bigint', (column) => column.notNull())
      .addColumn('created_at', 'bigint', (column) => column.notNull())
      .addColumn('ended_at', 'bigint')
      .execute();
    await db.schema.createIndex('delegations_to').on('delegations').columns(['to_person', 'until']).execute();

    await db.schema
      .createTable('notices')
      .addColumn('id', name, (column) => column.primaryKey())
      .addColumn('unique_key', name)
      .addColumn('kind', 'text', (column) => column.notNull())
      .addColumn('hold_id', name)
      .addColumn('channel', 'text', (column) => column.notNull())
      .addColumn('recipient', 'text')
      .addColumn('payload', 'text', (column) => column.notNull())
      .addColumn('created_at', 'bigint', (column) => column.notNull())
      .addColumn('attempts', 'integer', (column) => column.notNull())
      .addColumn('error', 'text')
      .addColumn('next_at', 'bigint')
      .addColumn('state', name, (column) => column.notNull())
      .execute();
    const onNotices = (index: string) => db.schema.createIndex(index).on('notices');
    await onNotices('notices_unique').unique().column('unique_key').where(is('unique_key is not null')).execute();
    await onNotices('notices_next').column('next_at').where(is('next_at is not null')).execute();
    await onNotices('notices_state').columns(['state', 'id']).execute();

    await db.schema
      .createTable('runs')
      .addColumn('run', name, (column) => column.primaryKey())
      .addColumn('seen_at', 'bigint', (column) => column.notNull())
      .execute();
  },
  async (db, engine) => {
    const name = sql.raw(engine === 'sqlite' ? 'text' : 'text collate "C"');
    await db.schema
      .createTable('usage')
      .addColumn('subject', name, (column) => column.notNull())
      .addColumn('span', name, (column) => column.notNull())
      .addColumn('bucket', 'bigint', (column) => column.notNull())
      .addColumn('measure', name, (column) => column.notNull())
      .addColumn('amount', 'double precision', (column) => column.notNull())
      .addColumn('touched_at', 'bigint', (column) => column.notNull())
      .addPrimaryKeyConstraint('usage_key', ['subject', 'span', 'bucket', 'measure'])
      .execute();
    await db.schema.createIndex('usage_touched').on('usage').column('touched_at').execute();
  },
  async (db, engine) => {
    const name = sql.raw(engine === 'sqlite' ? 'text' : 'text collate "C"');
    await db.schema
      .createTable('senders')
      .addColumn('sender', name, (column) => column.primaryKey())
      .addColumn('ended_at', 'bigint')
      .execute();
    await db.schema
      .createTable('heard')
      .addColumn('hold_id', name, (column) => column.notNull())
      .addColumn('sender', name, (column) => column.notNull())
      .addPrimaryKeyConstraint('heard_key', ['hold_id', 'sender'])
      .execute();
  },
  async (db) => {
    await db.schema
      .createIndex('holds_rejected')
      .on('holds')
      .columns(['agent', 'digest', 'id'])
      .where(sql<boolean>`status = 'rejected'`)
      .execute();
  },
  // What was a time becomes a number, and numbers go on after the latest time.
  async (db) => {
    await db.schema.dropIndex('usage_touched').execute();
    await db.schema.alterTable('usage').renameColumn('touched_at', 'change').execute();
    await db.schema.createIndex('usage_change').on('usage').column('change').execute();
    await db.schema
      .createTable('usage_changes')
      .addColumn('id', 'integer', (column) => column.primaryKey())
      .addColumn('value', 'bigint', (column) => column.notNull())
      .execute();
    await sql`insert into usage_changes select 1, coalesce(max(change), 0) from usage`.execute(db);
  },
  (db, _engine, vault) => sealDocuments(db, vault),
  async (db, engine) => {
    await db.schema
      .createTable('tools')
      .addColumn('system', 'text', (column) => column.notNull())
      .addColumn('name', 'text', (column) => column.notNull())
      .addColumn('digest', 'text', (column) => column.notNull())
      .addColumn('text', 'text', (column) => column.notNull())
      .addColumn('seen_at', 'bigint', (column) => column.notNull())
      .addPrimaryKeyConstraint('tools_key', ['system', 'name', 'digest'])
      .execute();
    await db.schema
      .createTable('tasks')
      .addColumn('id', 'text', (column) => column.primaryKey())
      .addColumn('content', sql.raw(engine === 'sqlite' ? 'blob' : 'bytea'))
      .addColumn('changed_at', 'bigint', (column) => column.notNull())
      .execute();
  },
  async (db, engine) => {
    const name = sql.raw(engine === 'sqlite' ? 'text' : 'text collate "C"');
    const is = (condition: string) => sql<boolean>`${sql.raw(condition)}`;
    const notices = db.schema.alterTable('notices');
    await notices.addColumn('if_unanswered', 'integer', (column) => column.notNull().defaultTo(0)).execute();
    await notices.addColumn('receipt', 'text').execute();
    await notices.addColumn('digest_id', name).execute();
    const onNotices = (index: string) => db.schema.createIndex(index).on('notices');
    await onNotices('notices_hold').columns(['hold_id', 'id']).where(is('hold_id is not null')).execute();
    await onNotices('notices_digest').columns(['digest_id', 'id']).where(is('digest_id is not null')).execute();
    await db.schema
      .createTable('preferences')
      .addColumn('person', name, (column) => column.primaryKey())
      .addColumn('changed_at', 'bigint', (column) => column.notNull())
      .addColumn('document', 'text', (column) => column.notNull())
      .execute();
  },
  async (db, engine) => {
    const name = sql.raw(engine === 'sqlite' ? 'text' : 'text collate "C"');
    await db.schema
      .createTable('sessions')
      .addColumn('id', name, (column) => column.primaryKey())
      .addColumn('secret_hash', name, (column) => column.notNull().unique())
      .addColumn('link', name, (column) => column.unique())
      .addColumn('reviewer', name, (column) => column.notNull())
      .addColumn('last_seen_at', 'bigint', (column) => column.notNull())
      .addColumn('expires_at', 'bigint', (column) => column.notNull())
      .addColumn('ended_at', 'bigint')
      .addColumn('document', 'text', (column) => column.notNull())
      .execute();
    await db.schema.createIndex('sessions_expires').on('sessions').column('expires_at').execute();
  },
  async (db) => {
    await db.schema.alterTable('holds').addColumn('decide_by', 'bigint').execute();
    // The next timer may be a reminder, which people do not see. The next change of the hold puts that right.
    await sql`update holds set decide_by = case when due_at < sla_at then due_at else sla_at end where status = 'pending'`.execute(
      db,
    );
    await db.schema
      .createIndex('holds_decide_by')
      .on('holds')
      .columns(['decide_by', 'id'])
      .where(sql<boolean>`decide_by is not null`)
      .execute();
  },
  async (db) => {
    await db.schema.alterTable('suspensions').addColumn('lift_by', 'text').execute();
  },
];

/** The version of the tables as this program has them. */
export const SCHEMA_VERSION = FIRST + migrations.length - 1;

/**
 * Brings the tables to this program's version. Of two programs that start at once, the second waits and finds the work
 * done.
 * @throws Error for operators when the database is of a newer program, of one from before the first release, or belongs
 *   to another key.
 */
export async function migrate({ db, engine, reshape }: HoldDatabase, vault: Vault): Promise<void> {
  const changed = await reshape(async (trx) => {
    await trx.schema
      .createTable('schema_version')
      .ifNotExists()
      .addColumn('version', 'integer', (column) => column.notNull())
      .execute();
    const version = (await trx.selectFrom('schema_version').select('version').executeTakeFirst())?.version ?? 0;
    if (version > SCHEMA_VERSION) {
      throw new Error(`the holds database has schema ${version}, this program knows up to ${SCHEMA_VERSION}`);
    }
    if (version > 0 && version < FIRST) {
      throw new Error(
        'the holds database was made by a development version: finish its holds with that version, then move the database away',
      );
    }
    const applied = version === 0 ? 0 : version - FIRST + 1;
    if (applied === migrations.length) return false;
    for (const migration of migrations.slice(applied)) await migration(trx, engine, vault);
    await trx.deleteFrom('schema_version').execute();
    await trx.insertInto('schema_version').values({ version: SCHEMA_VERSION }).execute();
    return true;
  });
  if (changed && engine === 'sqlite') await forgetOldContent(db);
}

/** Free pages and the write-ahead log still have what a migration has replaced, such as documents before they were sealed. */
async function forgetOldContent(db: HoldDatabase['db']): Promise<void> {
  try {
    await sql`vacuum`.execute(db);
    await sql`pragma wal_checkpoint(truncate)`.execute(db);
  } catch {
    // No room for a second copy, or another process writes. The gateway works without it.
  }
}
