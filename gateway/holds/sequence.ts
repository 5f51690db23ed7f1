import { sql } from 'kysely';
import type { Kysely, Transaction } from 'kysely';
import type { Schema } from './schema.ts';

/**
 * Takes the number for one change. The first taker in a transaction keeps every other writer waiting until its commit,
 * so changes become visible in the order of their numbers, in every kind of database.
 */
export async function nextChange(trx: Transaction<Schema>): Promise<number> {
  const { value } = await trx
    .updateTable('sequence')
    .set({ value: sql<number>`value + 1` })
    .where('id', '=', 1)
    .returning('value')
    .executeTakeFirstOrThrow();
  return value;
}

/** The number of the newest committed change. */
export async function currentChange(db: Kysely<Schema>): Promise<number> {
  const { value } = await db.selectFrom('sequence').select('value').where('id', '=', 1).executeTakeFirstOrThrow();
  return value;
}
