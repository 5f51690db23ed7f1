import type { Kysely } from 'kysely';
import type { RunStore } from '../../domain/run.ts';
import { available } from './available.ts';
import type { HoldDatabase } from './database.ts';
import type { Schema } from './schema.ts';

/** A run that was not heard of for so long is taken for dead; milliseconds. Beat several times as often. */
export const RUN_SILENT = 15_000;
const FORGOTTEN_AFTER = 24 * 3_600_000;

export function createRunStore({ db, engine, time }: HoldDatabase): RunStore {
  // A SQLite file belongs to one gateway, so that every other run on it is over.
  if (engine === 'sqlite') {
    const own = new Set<string>();
    return { beat: async (run) => void own.add(run), live: async () => [...own] };
  }
  return {
    beat: (run) => available(async () => beat(db, run, await time())),
    live: () => available(async () => liveRuns(db, await time())),
  };
}

/** This run is alive at `now`. All runs on one store have to tell the same time. */
export async function beat(db: Kysely<Schema>, run: string, now: number): Promise<void> {
  await db
    .insertInto('runs')
    .values({ run, seen_at: now })
    .onConflict((conflict) => conflict.column('run').doUpdateSet({ seen_at: now }))
    .execute();
  await db
    .deleteFrom('runs')
    .where('seen_at', '<', now - FORGOTTEN_AFTER)
    .execute();
}

export async function liveRuns(db: Kysely<Schema>, now: number): Promise<string[]> {
  const heard = db
    .selectFrom('runs')
    .select('run')
    .where('seen_at', '>', now - RUN_SILENT);
  return (await heard.orderBy('run').execute()).map(({ run }) => run);
}
