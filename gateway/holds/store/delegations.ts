import type { Kysely } from 'kysely';
import type { Clock } from '../../domain/clock.ts';
import { LONGEST_DELEGATION, type Delegation, type DelegationStore } from '../../domain/delegation.ts';
import type { HoldRefusal } from '../../domain/hold-command.ts';
import { createId } from '../../domain/id.ts';
import type { Channel, Reviewer } from '../../domain/principal.ts';
import { iso } from '../../domain/time.ts';
import { available } from './available.ts';
import type { RecordUnit, Transact } from './unit-of-work.ts';
import type { Schema } from './schema.ts';

export function createDelegationStore(
  db: Kysely<Schema>,
  transact: Transact,
  clock: Clock,
  reviewers: () => readonly Reviewer[],
): DelegationStore {
  return {
    list: (now) => available(() => listDelegations(db, now)),
    add: (delegation, channel) =>
      available(() => transact(clock(), (unit) => insertDelegation(unit, delegation, channel))),
    standIn: (reviewer) => available(() => standingIn(db, reviewer, clock(), reviewers())),
    end: (id, by, channel) => available(() => transact(clock(), (unit) => endDelegation(unit, id, by, channel))),
  };
}

/** Those that are in force or will be, in the order in which they begin. */
export async function listDelegations(db: Kysely<Schema>, now: number): Promise<Delegation[]> {
  return (await notEnded(db, now).orderBy('since').orderBy('id').execute()).map(fromRow);
}

export async function delegationsInForce(db: Kysely<Schema>, now: number): Promise<Delegation[]> {
  return (await notEnded(db, now).where('since', '<=', now).orderBy('since').orderBy('id').execute()).map(fromRow);
}

/**
 * The people for whom a person stands in now. Not transitive: a deputy does not stand in for the people for whom the
 * delegating person stands in. A person who is no longer a reviewer delegates nothing.
 */
export async function standsInFor(
  db: Kysely<Schema>,
  personId: string,
  now: number,
  reviewers: readonly Reviewer[],
): Promise<{ readonly id: string; readonly groups: readonly string[] }[]> {
  const rows = await notEnded(db, now).where('since', '<=', now).where('to_person', '=', personId).execute();
  const absent = new Set(rows.map((row) => row.from_person));
  return reviewers
    .filter(({ id, roles }) => absent.has(id) && roles.includes('reviewer'))
    .map(({ id, groups }) => ({ id, groups }));
}

/** The same reviewer, with the people for whom the reviewer stands in at `now`. */
export async function standingIn(
  db: Kysely<Schema>,
  reviewer: Reviewer,
  now: number,
  reviewers: readonly Reviewer[],
): Promise<Reviewer> {
  return { ...reviewer, standsInFor: await standsInFor(db, reviewer.id, now, reviewers) };
}

/** Refused as `invalid` when it is to oneself, or for no time, time past or more than `LONGEST_DELEGATION`. */
export async function insertDelegation(
  { trx, now, record }: RecordUnit,
  { from, to, since, until }: Pick<Delegation, 'from' | 'to' | 'since' | 'until'>,
  channel: Channel,
): Promise<Delegation | HoldRefusal> {
  if (from === to) return invalid('to: name somebody else; people cannot stand in for themselves.');
  if (!(since < until)) return invalid('until: has to be later than since.');
  if (until <= now) return invalid('until: is past; name a time to come.');
  if (until - since > LONGEST_DELEGATION) {
    return invalid(`until: at most ${LONGEST_DELEGATION / 86_400_000} days after since.`);
  }
  const delegation: Delegation = { id: createId('dlg'), from, to, since, until, createdAt: now };
  await trx
    .insertInto('delegations')
    .values({
      id: delegation.id,
      from_person: from,
      to_person: to,
      since,
      until,
      created_at: now,
      ended_at: null,
    })
    .execute();
  await record({
    type: 'delegation.created',
    actor: from,
    actor_kind: 'reviewer',
    channel,
    reason: `to ${to}, ${period(delegation)}`,
  });
  return delegation;
}

/** Null when there is none that has not ended. */
export async function endDelegation(
  { trx, now, record }: RecordUnit,
  id: string,
  by: string,
  channel: Channel,
): Promise<Delegation | null> {
  const row = await trx
    .updateTable('delegations')
    .set({ ended_at: now })
    .where('id', '=', id)
    .where('ended_at', 'is', null)
    .where('until', '>', now)
    .returningAll()
    .executeTakeFirst();
  if (!row) return null;
  const delegation = fromRow(row);
  await record({
    type: 'delegation.ended',
    actor: by,
    actor_kind: 'reviewer',
    channel,
    reason: `of ${delegation.from} to ${delegation.to}, ${period(delegation)}`,
  });
  return delegation;
}

function notEnded(db: Kysely<Schema>, now: number) {
  return db.selectFrom('delegations').selectAll().where('ended_at', 'is', null).where('until', '>', now);
}

function fromRow({ id, from_person, to_person, since, until, created_at }: Schema['delegations']): Delegation {
  return { id, from: from_person, to: to_person, since, until, createdAt: created_at };
}

function period({ since, until }: Delegation): string {
  return `from ${iso(since)} until ${iso(until)}`;
}

function invalid(detail: string): HoldRefusal {
  return { refused: 'invalid', detail, hold: null };
}
