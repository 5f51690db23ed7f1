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
/** Longest that a transaction may take from asking for the time to its commit, milliseconds: so much is told again. */
const OVERLAP = 3_000;

/** Counters that any number of processes add to: totals are kept in the database, so that none of them has to be asked. */
export function createUsageStore({ db, time }: Pick<HoldDatabase, 'db' | 'time'>): UsageStore {
  return {
    add: (counts) =>
      available(async () => {
        const touched_at = await time();
        await db.transaction().execute(async (trx) => {
          // In one order in all processes, or two of them could wait for each other.
          const rows = counts.map(({ window, ...count }) => ({ ...count, span: window, touched_at })).sort(byKey);
          for (let start = 0; start < rows.length; start += ROWS) {
            await trx
              .insertInto('usage')
              .values(rows.slice(start, start + ROWS))
              .onConflict((conflict) =>
                conflict.columns(['subject', 'span', 'bucket', 'measure']).doUpdateSet({
                  amount: sql`usage.amount + excluded.amount`,
                  touched_at: sql`excluded.touched_at`,
                }),
              )
              .execute();
          }
        });
      }),
    totals: (since) =>
      available(async () => {
        const at = await time();
        const rows = await db
          .selectFrom('usage')
          .selectAll()
          .where('touched_at', '>=', since - OVERLAP)
          .where((row) =>
            row.or(SPANS.map(([span, kept]) => row.and([row('span', '=', span), row('bucket', '>', at - kept)]))),
          )
          .execute();
        return { counts: rows.map(toCount), at };
      }),
  };
}

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

type Row = Schema['usage'];

function toCount({ subject, span, bucket, measure, amount }: Row): UsageCount {
  return { subject, window: span as UsageWindow, bucket, measure: measure as UsageMeasure, amount };
}

function byKey(a: Row, b: Row): number {
  const [x, y] = [a, b].map(({ subject, span, bucket, measure }) => `${subject}\n${span}\n${bucket}\n${measure}`);
  return x! < y! ? -1 : 1;
}
