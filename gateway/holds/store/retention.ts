import type { Kysely } from 'kysely';
import { ANSWER_KEPT } from '../deadlines.ts';
import type { Schema } from './schema.ts';

const DAY = 24 * 3_600_000;

/**
 * How long settled holds stay in the store, and what people arranged stays after its end: grants and delegations. In
 * milliseconds. The ledger keeps their story for good.
 */
export const SETTLED_KEPT = 30 * DAY;

/** How long a notification that was sent is kept, in milliseconds. One that was given up can be sent again for `SETTLED_KEPT`. */
export const SENT_KEPT = 7 * DAY;

/** Deletes what is older than that. */
export async function prune(db: Kysely<Schema>, now: number): Promise<void> {
  await db.transaction().execute(async (trx) => {
    const longAgo = now - SETTLED_KEPT;
    const settledBefore = (time: number) => trx.selectFrom('holds').select('id').where('settled_at', '<', time);
    await trx
      .deleteFrom('sealed')
      .where('kind', '=', 'response')
      .where('hold_id', 'in', settledBefore(now - ANSWER_KEPT))
      .execute();
    await trx.deleteFrom('sealed').where('hold_id', 'in', settledBefore(longAgo)).execute();
    await trx
      .deleteFrom('heard')
      .where('hold_id', 'in', trx.selectFrom('holds').select('id').where('settled_at', 'is not', null))
      .execute();
    await trx.deleteFrom('holds').where('settled_at', '<', longAgo).execute();
    await trx.deleteFrom('senders').where('ended_at', '<', longAgo).execute();
    await trx.deleteFrom('grants').where('until', '<', longAgo).execute();
    await trx.deleteFrom('delegations').where('until', '<', longAgo).execute();
    // At their end: what they were used for is in the ledger.
    await trx.deleteFrom('sessions').where('expires_at', '<', now).execute();
    const notifications = (state: string) => trx.deleteFrom('notices').where('state', '=', state);
    for (const state of ['sent', 'dropped']) {
      await notifications(state)
        .where('created_at', '<', now - SENT_KEPT)
        // What was said of a pending hold is updated, or replied to, when it is decided.
        .where(({ not, exists, selectFrom }) =>
          not(
            exists(
              selectFrom('holds')
                .select('holds.id')
                .whereRef('holds.id', '=', 'notices.hold_id')
                .where('holds.status', '=', 'pending'),
            ),
          ),
        )
        .execute();
    }
    // What is gathered belongs to a digest that was not sent.
    for (const state of ['dead', 'gathered']) await notifications(state).where('created_at', '<', longAgo).execute();
    await trx.deleteFrom('tools').where('seen_at', '<', longAgo).execute();
    await trx
      .deleteFrom('tasks')
      .where('changed_at', '<', now - ANSWER_KEPT)
      .execute();
  });
}
