import type { Kysely, Transaction } from 'kysely';
import { createId } from '../../domain/id.ts';
import { maskText } from '../../secrets/secret.ts';
import type { Clock } from '../../domain/clock.ts';
import type {
  Notification,
  NotificationDraft,
  NotificationKind,
  NotificationOutcome,
  NotificationStore,
  NotificationTrigger,
} from '../../domain/notification.ts';
import { available } from './available.ts';
import type { RecordUnit, Transact } from './unit-of-work.ts';
import { pageOf, type Page } from './page.ts';
import type { Schema } from './schema.ts';

/** @param compose says who has to be notified of something, and how */
export function createNotificationStore(
  db: Kysely<Schema>,
  transact: Transact,
  clock: Clock,
  compose: (trigger: NotificationTrigger) => readonly NotificationDraft[],
): NotificationStore {
  return {
    take: (now, until, limit) =>
      available(() => db.transaction().execute((trx) => takeNotifications(trx, now, until, limit))),
    settle: (id, outcome) => available(() => transact(clock(), (unit) => settleNotification(unit, id, outcome))),
    dead: (filter) => available(() => deadNotifications(db, filter)),
    resend: (id) => available(() => resendNotification(db, id, clock())),
    alert: ({ key, groups, event }) =>
      available(async () => {
        const now = clock();
        const drafts = compose({ kind: 'alert', event, groups, at: now });
        await db.transaction().execute((trx) => insertNotifications({ trx, now }, drafts, key));
      }),
  };
}

/**
 * Puts notifications into the outbox, due at once, in the transaction of what they tell of.
 * @param key each of them is sent once for one key, ever
 */
export async function insertNotifications(
  { trx, now }: Pick<RecordUnit, 'trx' | 'now'>,
  drafts: readonly NotificationDraft[],
  key: string | null = null,
): Promise<void> {
  if (drafts.length === 0) return;
  const rows = drafts.map(({ kind, holdId, channel, to, payload }) => ({
    id: createId('ntc'),
    unique_key: key === null ? null : JSON.stringify([key, channel, to]),
    kind,
    hold_id: holdId,
    channel,
    recipient: to,
    payload,
    created_at: now,
    attempts: 0,
    error: null,
    next_at: now,
    state: 'waiting',
  }));
  const insert = trx.insertInto('notices').values(rows);
  // Said only where it can happen: a plain insert has no answer, and is not waited for.
  await (key === null ? insert : insert.onConflict((conflict) => conflict.doNothing())).execute();
}

/**
 * Takes up to `limit` notifications that are due: until `until` no other process does. When the process dies, they are
 * taken again then. Each taking counts as an attempt, so that a notification which kills its sender is given up one day.
 */
export async function takeNotifications(
  trx: Transaction<Schema>,
  now: number,
  until: number,
  limit: number,
): Promise<Notification[]> {
  const due = await trx
    .selectFrom('notices')
    .select(['id', 'next_at'])
    .where('state', '=', 'waiting')
    .where('next_at', '<=', now)
    .orderBy('next_at')
    .orderBy('id')
    .limit(limit)
    .execute();
  const taken: Notification[] = [];
  // Everybody takes them in one order, so that no two wait for each other.
  for (const { id, next_at } of due.toSorted((a, b) => (a.id < b.id ? -1 : 1))) {
    const row = await trx
      .updateTable('notices')
      .set((notification) => ({ next_at: until, attempts: notification('attempts', '+', 1) }))
      .where('id', '=', id)
      .where('state', '=', 'waiting')
      .where('next_at', '=', next_at)
      .returningAll()
      .executeTakeFirst();
    if (row) taken.push(fromRow(row));
  }
  return taken;
}

/** Writes down what became of an attempt. One that is sent or given up stays so. */
export async function settleNotification(
  { trx, record }: RecordUnit,
  id: string,
  outcome: NotificationOutcome,
): Promise<void> {
  const row = await trx
    .updateTable('notices')
    .set({
      state: outcome.state,
      error: outcome.state === 'sent' ? null : outcome.error,
      next_at: outcome.state === 'waiting' ? outcome.nextAt : null,
    })
    .where('id', '=', id)
    .where('state', '=', 'waiting')
    .returning(['hold_id', 'channel'])
    .executeTakeFirst();
  if (!row || outcome.state !== 'dead') return;
  await record({
    type: 'notice.dead',
    ...(row.hold_id !== null && { hold_id: row.hold_id }),
    actor: 'holdpoint',
    actor_kind: 'gateway',
    channel: row.channel,
    reason: maskText(outcome.error),
  });
}

/** Those that were given up, newest first. The cursor is the last identifier: identifiers sort by time of creation. */
export async function deadNotifications(
  db: Kysely<Schema>,
  { cursor, limit }: { readonly cursor?: string; readonly limit: number },
): Promise<Page<Notification>> {
  let query = db.selectFrom('notices').selectAll().where('state', '=', 'dead');
  if (cursor) query = query.where('id', '<', cursor);
  const rows = await query
    .orderBy('id', 'desc')
    .limit(limit + 1)
    .execute();
  return pageOf(rows, limit, fromRow);
}

/** Tries a dead one from the beginning. Null when there is none. */
export async function resendNotification(db: Kysely<Schema>, id: string, now: number): Promise<Notification | null> {
  const row = await db
    .updateTable('notices')
    .set({ state: 'waiting', next_at: now, attempts: 0 })
    .where('id', '=', id)
    .where('state', '=', 'dead')
    .returningAll()
    .executeTakeFirst();
  return row ? fromRow(row) : null;
}

function fromRow(row: Schema['notices']): Notification {
  const { id, kind, hold_id, channel, recipient, payload, created_at, attempts, error, next_at, state } = row;
  return {
    id,
    kind: kind as NotificationKind,
    holdId: hold_id,
    channel,
    to: recipient,
    payload,
    createdAt: created_at,
    attempts,
    error,
    nextAt: next_at,
    state: state as Notification['state'],
  };
}
