import type { HoldDatabase } from '../../../../gateway/holds/store/database.ts';
import type { Happening, Recording } from '../../../../gateway/holds/store/recording.ts';

/** Does something in a transaction as the store does, and tells what it wanted to be put on record. */
export async function recorded<T>(
  database: HoldDatabase,
  now: number,
  work: (recording: Recording) => Promise<T>,
): Promise<{ result: T; events: Happening[] }> {
  const events: Happening[] = [];
  const result = await database.db.transaction().execute(async (trx) => {
    await database.nextChange(trx);
    return await work({ trx, now, record: async (happening) => void events.push(happening) });
  });
  return { result, events };
}
