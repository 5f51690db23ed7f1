import type { Kysely } from 'kysely';
import type { Schema } from './schema.ts';

/** How long an `Idempotency-Key` finds its settled hold, and an answer is kept for its caller; milliseconds. */
export const ANSWER_KEPT = 24 * 3_600_000;

/** How long settled holds stay in the store, in milliseconds. The ledger keeps their story for good. */
export const SETTLED_KEPT = 30 * 24 * 3_600_000;

/** Deletes answers and settled holds that are older than that. */
export async function prune(db: Kysely<Schema>, now: number): Promise<void> {
  await db.transaction().execute(async (trx) => {
    const settledBefore = (time: number) => trx.selectFrom('holds').select('id').where('settled_at', '<', time);
    const gone = settledBefore(now - SETTLED_KEPT);
    await trx
      .deleteFrom('sealed')
      .where('kind', '=', 'response')
      .where('hold_id', 'in', settledBefore(now - ANSWER_KEPT))
      .execute();
    await trx.deleteFrom('sealed').where('hold_id', 'in', gone).execute();
    await trx.deleteFrom('hold_groups').where('hold_id', 'in', gone).execute();
    await trx
      .deleteFrom('holds')
      .where('settled_at', '<', now - SETTLED_KEPT)
      .execute();
  });
}
