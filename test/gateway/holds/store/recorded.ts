import type { HoldDatabase } from '../../../../gateway/holds/store/database.ts';
import { layerOf, type Event } from '../../../../gateway/domain/event.ts';
import { createDocuments } from '../../../../gateway/holds/store/documents.ts';
import { createVault } from '../../../../gateway/holds/store/vault.ts';
import { KEY } from '../../../helpers/hold.ts';
import type { RecordUnit } from '../../../../gateway/holds/store/unit-of-work.ts';

type Recorded = Omit<Event, 'event_id' | 'at' | 'node'>;

/** Does something in a transaction as the store does, and tells what it wanted to be put on record. */
export async function recorded<T>(
  database: HoldDatabase,
  now: number,
  work: (unit: RecordUnit) => Promise<T>,
): Promise<{ result: T; events: Recorded[] }> {
  const events: Recorded[] = [];
  const result = await database.db.transaction().execute(async (trx) => {
    await database.nextChange(trx);
    return await work({
      trx,
      now,
      documents: createDocuments(createVault(KEY)),
      record: async (event) => void events.push({ layer: layerOf(event.type), ...event }),
    });
  });
  return { result, events };
}
