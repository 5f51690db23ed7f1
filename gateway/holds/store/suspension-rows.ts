import type { Kysely } from 'kysely';
import type { NewSuspension, Suspension } from '../../domain/suspension.ts';
import type { Channel } from '../../domain/principal.ts';
import { maskText } from '../../secrets/secret.ts';
import type { RecordUnit } from './unit-of-work.ts';
import type { Schema } from './schema.ts';

/** Oldest first. */
export async function listSuspensions(db: Kysely<Schema>): Promise<Suspension[]> {
  const rows = await db.selectFrom('suspensions').selectAll().orderBy('at').orderBy('kind').orderBy('name').execute();
  return rows.map(({ kind, name, by_whom, channel, reason, at, lift_by }) => ({
    kind: kind as Suspension['kind'],
    name,
    by: by_whom,
    channel: channel as Channel,
    reason,
    at,
    ...(lift_by !== null && { liftAskedBy: lift_by }),
  }));
}

/** What keeps the agent from the system: one look at three keys. Null when nothing does. */
export async function suspensionOf(
  db: Kysely<Schema>,
  agent: string,
  system: string,
): Promise<Suspension['kind'] | null> {
  const found = await db
    .selectFrom('suspensions')
    .select('kind')
    .where(({ eb, or, and }) =>
      or([
        and([eb('kind', '=', 'agent'), eb('name', '=', agent)]),
        and([eb('kind', '=', 'system'), eb('name', '=', system)]),
        and([eb('kind', '=', 'everything'), eb('name', '=', '')]),
      ]),
    )
    .orderBy('kind', 'desc')
    .limit(1)
    .executeTakeFirst();
  return (found?.kind as Suspension['kind'] | undefined) ?? null;
}

/** The stop of everything; null when there is none. */
export async function findStop(db: Kysely<Schema>): Promise<{ at: number; lift_by: string | null } | null> {
  const found = await db
    .selectFrom('suspensions')
    .select(['at', 'lift_by'])
    .where('kind', '=', 'everything')
    .where('name', '=', '')
    .executeTakeFirst();
  return found ?? null;
}

/** False when it was suspended already; then the first suspension stays as it is. */
export async function insertSuspension(
  { trx, now, record }: RecordUnit,
  { kind, name, by, channel, reason }: NewSuspension,
): Promise<boolean> {
  const { numInsertedOrUpdatedRows } = await trx
    .insertInto('suspensions')
    .values({ kind, name, by_whom: by, channel, reason, at: now, lift_by: null })
    .onConflict((conflict) => conflict.columns(['kind', 'name']).doNothing())
    .executeTakeFirst();
  if (numInsertedOrUpdatedRows !== 1n) return false;
  await record({
    ...began(kind, name),
    actor: by,
    actor_kind: 'reviewer',
    channel,
    ...(reason !== null && { reason: maskText(reason) }),
  });
  return true;
}

/** False when it was not suspended. */
export async function endSuspension(
  { trx, record }: RecordUnit,
  kind: Suspension['kind'],
  name: string,
  by: string,
  channel: Channel,
): Promise<boolean> {
  const { numDeletedRows } = await trx
    .deleteFrom('suspensions')
    .where('kind', '=', kind)
    .where('name', '=', name)
    .executeTakeFirst();
  if (numDeletedRows !== 1n) return false;
  await record({
    ...ended(kind, name),
    actor: by,
    actor_kind: 'reviewer',
    channel,
  });
  return true;
}

/** The first of the two people who have to lift a stop. */
export async function askToLift({ trx, record }: RecordUnit, by: string, channel: Channel): Promise<void> {
  await trx.updateTable('suspensions').set({ lift_by: by }).where('kind', '=', 'everything').execute();
  await record({ type: 'stop.lift-asked', actor: by, actor_kind: 'reviewer', channel });
}

function began(kind: Suspension['kind'], name: string) {
  return kind === 'everything'
    ? ({ type: 'stop.began' } as const)
    : ({ type: 'suspension.created', [kind]: name } as const);
}

function ended(kind: Suspension['kind'], name: string) {
  return kind === 'everything'
    ? ({ type: 'stop.lifted' } as const)
    : ({ type: 'suspension.ended', [kind]: name } as const);
}
