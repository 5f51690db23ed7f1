import { sql, type Kysely } from 'kysely';
import {
  USAGE_WINDOWS,
  type UsageCount,
  type UsageMeasure,
  type UsageStore,
  type UsageWindow,
} from '../../domain/usage.ts';
import { available } from './available.ts';
import type { HoldDatabase } from './database.ts';
import type { Schema } from './schema.ts';

/** Rows in one statement; databases limit how many values one may have. */
const ROWS = 500;

/**
 * Counters that any number of processes add to: totals are kept in the database, so that none of them has to be asked.
 *
 * Every exchange takes the next number from one row, and so locks it until the commit: exchanges come one after another,
 * and numbers become visible in their order.
 */
export function createUsageStore({ db, time }: Pick<HoldDatabase, 'db' | 'time'>): UsageStore {
  return {
    exchange: (since, work) =>
      available(() =>
        db.transaction().execute(async (trx) => {
          const { value: change } = await trx
            .updateTable('usage_changes')
            .set({ value: sql<number>`value + 1` })
            .where('id', '=', 1)
            .returning('value')
            .executeTakeFirstOrThrow();
          const changed = await trx.selectFrom('usage').selectAll().where('change', '>', since).execute();
          const rows = work(changed.map(toCount)).map(({ window, ...count }) => ({ ...count, span: window, change }));
          for (let start = 0; start < rows.length; start += ROWS) {
            await trx
              .insertInto('usage')
              .values(rows.slice(start, start + ROWS))
              .onConflict((conflict) =>
                conflict.columns(['subject', 'span', 'bucket', 'measure']).doUpdateSet({ amount, change }),
              )
              .execute();
          }
          return change;
        }),
      ),
    totals: (since) =>
      available(async () => {
        const now = await time();
        // Before the rows: what changes meanwhile is told again.
        const { value: at } = await db.selectFrom('usage_changes').select('value').executeTakeFirstOrThrow();
        const rows = await db
          .selectFrom('usage')
          .selectAll()
          .where('change', '>', since)
          .where((row) =>
            row.or(SPANS.map(([span, kept]) => row.and([row('span', '=', span), row('bucket', '>', now - kept)]))),
          )
          .execute();
        return { counts: rows.map(toCount), at };
      }),
  };
}

/** Most windows are sums. */
const amount = sql<number>`case
  when usage.span <> 'largest' then usage.amount + excluded.amount
  when excluded.amount > usage.amount then excluded.amount
  else usage.amount
end`;

/** Deletes what no window covers any more. */
export async function pruneUsage(db: Kysely<Schema>, now: number): Promise<void> {
  for (const [span, kept] of SPANS) {
    await db
      .deleteFrom('usage')
      .where('span', '=', span)
      .where('bucket', '<', now - kept)
      .execute();
  }
}

/** How long the buckets of each window matter: until the last moment of the oldest has left it. */
const SPANS = Object.entries(USAGE_WINDOWS).map(([name, { span, bucket }]) => [name, span + bucket] as const);

function toCount({ subject, span, bucket, measure, amount }: Schema['usage']): UsageCount {
  return { subject, window: span as UsageWindow, bucket, measure: measure as UsageMeasure, amount };
}
