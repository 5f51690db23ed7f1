import { sql } from 'kysely';
import type { Kysely, Transaction } from 'kysely';
import type { Schema } from './schema.ts';

/** What the two dialects call a column of bytes. */
export type BytesType = 'blob' | 'bytea';

type Migration = (db: Transaction<Schema>, bytes: BytesType) => Promise<void>;

/** In order; a released one is never edited. The length of the list is the schema's version. */
const migrations: readonly Migration[] = [
  async (db, bytes) => {
    await db.schema
      .createTable('sequence')
      .addColumn('id', 'integer', (column) => column.primaryKey())
      .addColumn('value', 'bigint', (column) => column.notNull())
      .execute();
    await db.insertInto('sequence').values({ id: 1, value: 0 }).execute();

    await db.schema
      .createTable('holds')
      .addColumn('id', 'text', (column) => column.primaryKey())
      .addColumn('version', 'integer', (column) => column.notNull())
      .addColumn('change', 'bigint', (column) => column.notNull())
      .addColumn('status', 'text', (column) => column.notNull())
      .addColumn('execution', 'text', (column) => column.notNull())
      .addColumn('open', 'integer', (column) => column.notNull())
      .addColumn('agent', 'text', (column) => column.notNull())
      .addColumn('system', 'text', (column) => column.notNull())
      .addColumn('digest', 'text', (column) => column.notNull())
      .addColumn('idempotency_key', 'text')
      .addColumn('has_handle', 'integer', (column) => column.notNull())
      .addColumn('expires_at', 'bigint', (column) => column.notNull())
      .addColumn('redeem_by', 'bigint')
      .addColumn('decided_at', 'bigint')
      .addColumn('settled_at', 'bigint')
      .addColumn('trace_id', 'text')
      .addColumn('document', 'text', (column) => column.notNull())
      .execute();
    const index = (name: string) => db.schema.createIndex(name).on('holds');
    // Two callers with the same call can never have two open holds, whatever the code above them does.
    await index('holds_open_digest')
      .unique()
      .columns(['agent', 'digest'])
      .where(sql<boolean>`open = 1`)
      .execute();
    await index('holds_open_key')
      .unique()
      .columns(['agent', 'idempotency_key'])
      .where(sql<boolean>`open = 1 and idempotency_key is not null`)
      .execute();
    await index('holds_key').columns(['agent', 'idempotency_key', 'id']).execute();
    await index('holds_change').column('change').execute();
    await index('holds_state').columns(['status', 'execution', 'id']).execute();
    await index('holds_settled').column('settled_at').execute();

    await db.schema
      .createTable('hold_groups')
      .addColumn('hold_id', 'text', (column) => column.notNull())
      .addColumn('group_name', 'text', (column) => column.notNull())
      .addPrimaryKeyConstraint('hold_groups_key', ['group_name', 'hold_id'])
      .execute();
    await db.schema.createIndex('hold_groups_hold').on('hold_groups').column('hold_id').execute();

    await db.schema
      .createTable('sealed')
      .addColumn('hold_id', 'text', (column) => column.notNull())
      .addColumn('kind', 'text', (column) => column.notNull())
      .addColumn('revision', 'integer', (column) => column.notNull())
      .addColumn('content', sql.raw(bytes), (column) => column.notNull())
      .addPrimaryKeyConstraint('sealed_key', ['hold_id', 'kind', 'revision'])
      .execute();

    await db.schema
      .createTable('outbox')
      .addColumn('seq', 'bigint', (column) => column.primaryKey())
      .addColumn('event', 'text', (column) => column.notNull())
      .execute();
  },
];

/**
 * Brings the tables to this program's version. The caller holds the database's write lock for the whole of it, so of
 * two processes that start at once the second finds the work done.
 * @throws Error for operators when a newer program has been here.
 */
export async function migrate(db: Kysely<Schema>, bytes: BytesType): Promise<void> {
  await db.transaction().execute(async (trx) => {
    await trx.schema
      .createTable('schema_version')
      .ifNotExists()
      .addColumn('version', 'integer', (column) => column.notNull())
      .execute();
    const current = (await trx.selectFrom('schema_version').select('version').executeTakeFirst())?.version ?? 0;
    if (current > migrations.length) {
      throw new Error(`the holds database has schema ${current}, this program knows up to ${migrations.length}`);
    }
    if (current === migrations.length) return;
    for (const migration of migrations.slice(current)) await migration(trx, bytes);
    await trx.deleteFrom('schema_version').execute();
    await trx.insertInto('schema_version').values({ version: migrations.length }).execute();
  });
}
