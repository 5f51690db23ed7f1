import type { Event } from '../../domain/event.ts';
import type { Outbox, OutboxDelivery } from '../../domain/outbox.ts';
import { available } from './available.ts';
import type { HoldDatabase } from './database.ts';
import { lastPlace } from './transact.ts';

export function createOutbox({ db, settledChange }: HoldDatabase, delivery: OutboxDelivery | null): Outbox {
  /** Up to this place nothing can be missing any more. */
  let complete = 0;
  return {
    read: (afterSeq, limit) =>
      available(async () => {
        const after = (seq: number) => db.selectFrom('outbox').where('seq', '>', seq).orderBy('seq');
        const isMore = await after(Math.max(afterSeq, complete)).select('seq').limit(1).executeTakeFirst();
        if (isMore) complete = lastPlace(await settledChange());
        const rows = await after(afterSeq).selectAll().where('seq', '<=', complete).limit(limit).execute();
        return rows.map(({ seq, event }) => ({ seq, event: JSON.parse(event) as Event }));
      }),
    forget: (throughSeq) =>
      available(async () => {
        await db.deleteFrom('outbox').where('seq', '<=', throughSeq).execute();
      }),
    delivery,
  };
}
