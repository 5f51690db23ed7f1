import type { Kysely } from 'kysely';
import type { Clock } from '../../domain/clock.ts';
import type { SenderStore } from '../../domain/sender.ts';
import { available } from './available.ts';
import type { HoldDatabase } from './database.ts';
import type { Schema } from './schema.ts';

/** Rows in one statement; databases limit its parameters. */
const ROWS_AT_ONCE = 100;

/** Milliseconds by which the clocks of two gateways may differ. */
const CLOCK_SKEW = 1_000;

export function createSenderStore({ db, engine }: Pick<HoldDatabase, 'db' | 'engine'>, clock: Clock): SenderStore {
  return {
    clockSkew: engine === 'sqlite' ? 0 : CLOCK_SKEW,
    join: (sender) =>
      available(async () => {
        await db
          .insertInto('senders')
          .values({ sender, ended_at: null })
          .onConflict((conflict) => conflict.column('sender').doUpdateSet({ ended_at: null }))
          .execute();
      }),
    heard: (sender, holdIds) =>
      available(async () => {
        for (let start = 0; start < holdIds.length; start += ROWS_AT_ONCE) {
          await insertHeard(db, sender, holdIds.slice(start, start + ROWS_AT_ONCE));
        }
      }),
    leave: (sender) =>
      available(async () => {
        await db.deleteFrom('senders').where('sender', '=', sender).execute();
      }),
    end: (hasEnded) =>
      available(async () => {
        const joined = await db.selectFrom('senders').select('sender').where('ended_at', 'is', null).execute();
        const ended = joined.map(({ sender }) => sender).filter(hasEnded);
        if (ended.length === 0) return;
        await db.updateTable('senders').set({ ended_at: clock() }).where('sender', 'in', ended).execute();
      }),
    unaware: ({ id, askedAt }) =>
      available(async () => {
        const rows = await db
          .selectFrom('senders')
          .selectAll()
          .where(({ or, eb }) => or([eb('ended_at', 'is', null), eb('ended_at', '>=', askedAt)]))
          .where(({ not, exists, selectFrom }) =>
            not(
              exists(
                selectFrom('heard')
                  .select('heard.hold_id')
                  .where('heard.hold_id', '=', id)
                  .whereRef('heard.sender', '=', 'senders.sender'),
              ),
            ),
          )
          .orderBy('sender')
          .execute();
        const named = (isAlive: boolean) =>
          rows.filter(({ ended_at }) => (ended_at === null) === isAlive).map(({ sender }) => sender);
        return { alive: named(true), lost: named(false) };
      }),
  };
}

/** Whether the process has joined, and has neither left nor ended. */
export async function isAlive(db: Kysely<Schema>, sender: string): Promise<boolean> {
  const joined = db.selectFrom('senders').select('sender').where('sender', '=', sender).where('ended_at', 'is', null);
  return (await joined.executeTakeFirst()) !== undefined;
}

export async function insertHeard(db: Kysely<Schema>, sender: string, holdIds: readonly string[]): Promise<void> {
  await db
    .insertInto('heard')
    .values(holdIds.map((hold_id) => ({ hold_id, sender })))
    .onConflict((conflict) => conflict.columns(['hold_id', 'sender']).doNothing())
    .execute();
}
