import type { Kysely } from 'kysely';
import type { Clock } from '../../domain/clock.ts';
import type { ToolStore } from '../../domain/tool-store.ts';
import { available } from './available.ts';
import type { Schema } from './schema.ts';

/** Rows in one statement; databases limit how many values one may have. */
const ROWS = 200;

export function createToolStore(db: Kysely<Schema>, clock: Clock): ToolStore {
  return {
    keep: (system, tools) =>
      available(async () => {
        const seen_at = clock();
        // In one order, so that two processes that keep the same list do not wait for each other.
        const rows = tools
          .map(({ name, digest, text }) => ({ system, name, digest, text, seen_at }))
          .toSorted((a, b) => (a.name < b.name ? -1 : 1));
        for (let start = 0; start < rows.length; start += ROWS) {
          await db
            .insertInto('tools')
            .values(rows.slice(start, start + ROWS))
            .onConflict((conflict) => conflict.columns(['system', 'name', 'digest']).doUpdateSet({ seen_at }))
            .execute();
        }
      }),
    latest: (system, name) =>
      available(async () => {
        const row = await db
          .selectFrom('tools')
          .select('text')
          .where('system', '=', system)
          .where('name', '=', name)
          .orderBy('seen_at', 'desc')
          .limit(1)
          .executeTakeFirst();
        return row?.text ?? null;
      }),
    names: () =>
      available(() =>
        db.selectFrom('tools').select(['system', 'name']).distinct().orderBy('system').orderBy('name').execute(),
      ),
  };
}
