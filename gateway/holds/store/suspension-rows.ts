import type { Kysely } from 'kysely';
import type { Suspension } from '../../domain/suspension.ts';
import type { Channel } from '../../domain/principal.ts';
import { maskText } from '../../secrets/secret.ts';
import type { RecordUnit } from './unit-of-work.ts';
import type { Schema } from './schema.ts';

/** Oldest first. */
export async function listSuspensions(db: Kysely<Schema>): Promise<Suspension[]> {
  const rows = await db.selectFrom('suspensions').selectAll().orderBy('at').orderBy('kind').orderBy('name').execute();
  return rows.map(({ kind, name, by_whom, channel, reason, at }) => ({
    kind: kind as Suspension['kind'],
    name,
    by: by_whom,
    channel: channel as Channel,
    reason,
    at,
  }));
}

/** Whether the agent or the system is suspended: one look at two keys. */
export async function isSuspended(db: Kysely<Schema>, agent: string, system: string): Promise<boolean> {
  const found = await db
    .selectFrom('suspensions')
    .select('kind')
    .where(({ eb, or, and }) =>
      or([
        and([eb('kind', '=', 'agent'), eb('name', '=', agent)]),
        and([eb('kind', '=', 'system'), eb('name', '=', system)]),
      ]),
    )
    .limit(1)
    .executeTakeFirst();
  return found !== undefined;
}

/** False when it was suspended already; then the first suspension stays as it is. */
export async function insertSuspension(
  { trx, now, record }: RecordUnit,
  { kind, name, by, channel, reason }: Omit<Suspension, 'at'>,
): Promise<boolean> {
  const { numInsertedOrUpdatedRows } = await trx
    .insertInto('suspensions')
    .values({ kind, name, by_whom: by, channel, reason, at: now })
    .onConflict((conflict) => conflict.columns(['kind', 'name']).doNothing())
    .executeTakeFirst();
  if (numInsertedOrUpdatedRows !== 1n) return false;
  await record({
    type: 'suspension.created',
    [kind]: name,
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
    type: 'suspension.ended',
    [kind]: name,
    actor: by,
    actor_kind: 'reviewer',
    channel,
  });
  return true;
}
