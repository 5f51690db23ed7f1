import type { HoldDatabase } from '../../../../gateway/holds/store/database.ts';
import { layerOf, type Event } from '../../../../gateway/domain/event.ts';
import type { Recording } from '../../../../gateway/holds/store/recording.ts';

type Recorded = Omit<Event, 'event_id' | 'at' | 'node'>;

/** Does something in a transaction as the store does, and tells what it wanted to be put on record. */
export async function recorded<T>(
  database: HoldDatabase,
  now: number,
  work: (recording: Recording) => Promise<T>,
): Promise<{ result: T; events: Recorded[] }> {
  const events: Recorded[] = [];
  const result = await database.db.transaction().execute(async (trx) => {
    await database.nextChange(trx);
    return await work({
      trx,
      now,
      record: async (happening) => void events.push({ layer: layerOf(happening.type), ...happening }),
    });
  });
  return { result, events };
}
