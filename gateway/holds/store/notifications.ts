import type { Kysely, Transaction } from 'kysely';
import { createId } from '../../domain/id.ts';
import { maskText } from '../../secrets/secret.ts';
import type { Clock } from '../../domain/clock.ts';
import type {
  Notification,
  NotificationDraft,
  NotificationFilter,
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
    earlier: (notification) => available(() => earlierNotifications(db, notification)),
    gathered: (digest) => available(() => gatheredNotifications(db, digest)),
    about: (holdId) => available(() => notificationsAbout(db, holdId)),
    list: (filter) => available(() => listNotifications(db, filter)),
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
  const addressed = drafts.filter(isAddressed);
  for (const draft of drafts) if (!isAddressed(draft)) addressed.push(...(await toThoseTold(trx, draft, addressed)));
  if (addressed.length === 0) return;
  const rows = addressed.map(({ kind, holdId, channel, to, payload, ifUnanswered = false }) => ({
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
    if_unanswered: ifUnanswered ? (1 as const) : (0 as const),
    receipt: null,
    digest_id: null,
  }));
  const insert = trx.insertInto('notices').values(rows);
  // Said only where it can happen: a plain insert has no answer, and is not waited for.
  await (key === null ? insert : insert.onConflict((conflict) => conflict.doNothing())).execute();
}

type Addressed = NotificationDraft & { readonly channel: string };

function isAddressed(draft: NotificationDraft): draft is Addressed {
  return draft.channel !== null;
}

/** The same for each place and person that was told of the hold, except those that `addressed` has. Programs are no people. */
async function toThoseTold(
  trx: Transaction<Schema>,
  draft: NotificationDraft,
  addressed: readonly Addressed[],
): Promise<Addressed[]> {
  const told = await trx
    .selectFrom('notices')
    .select(['channel', 'recipient'])
    .distinct()
    .where('hold_id', '=', draft.holdId)
    .where('channel', 'not like', 'webhook/%')
    .where('state', 'in', ['waiting', 'gathered', 'sent'])
    .execute();
  return told
    .filter(({ channel, recipient }) => !addressed.some((one) => one.channel === channel && one.to === recipient))
    .map(({ channel, recipient }) => ({ ...draft, channel, to: recipient }));
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

/** Writes down what became of an attempt. One that is sent, dropped or given up stays so. */
export async function settleNotification(unit: RecordUnit, id: string, outcome: NotificationOutcome): Promise<void> {
  const { trx, record } = unit;
  if (outcome.state === 'gathered') return await gather(unit, id, outcome.nextAt);
  const isWaiting = outcome.state === 'waiting';
  const isUntried = isWaiting && outcome.error === null;
  const row = await trx
    .updateTable('notices')
    .set((notice) => ({
      state: outcome.state,
      error: 'error' in outcome ? outcome.error : null,
      next_at: isWaiting ? outcome.nextAt : null,
      ...(isUntried && { attempts: notice('attempts', '-', 1) }),
      ...(outcome.state === 'sent' && { receipt: outcome.receipt }),
    }))
    .where('id', '=', id)
    .where('state', 'in', ['waiting', 'gathered'])
    .returning(['kind', 'hold_id', 'channel'])
    .executeTakeFirst();
  if (!row) return;
  if (row.kind === 'digest') await settleContained(unit, id, outcome);
  if (outcome.state !== 'dead') return;
  await record({
    type: 'notice.dead',
    ...(row.hold_id !== null && { hold_id: row.hold_id }),
    actor: 'holdpoint',
    actor_kind: 'gateway',
    channel: row.channel,
    reason: maskText(outcome.error),
  });
}

/** Makes it part of its recipient's digest of that time, which begins with the first. */
async function gather({ trx, now }: RecordUnit, id: string, at: number): Promise<void> {
  const notices = trx.selectFrom('notices').where('id', '=', id).where('state', '=', 'waiting');
  const row = await notices.select(['channel', 'recipient']).executeTakeFirst();
  if (!row) return;
  const unique_key = JSON.stringify(['digest', row.channel, row.recipient, at]);
  await trx
    .insertInto('notices')
    .values({
      id: createId('ntc'),
      unique_key,
      kind: 'digest',
      hold_id: null,
      channel: row.channel,
      recipient: row.recipient,
      payload: '{}',
      created_at: now,
      attempts: 0,
      error: null,
      next_at: at,
      state: 'waiting',
      if_unanswered: 0,
      receipt: null,
      digest_id: null,
    })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  // Locks the digest, so that it is not sent meanwhile. One that was sent already, by a clock ahead of this one, takes no more.
  const digest = await trx
    .updateTable('notices')
    .set((notice) => ({ next_at: notice.ref('next_at') }))
    .where('unique_key', '=', unique_key)
    .where('state', '=', 'waiting')
    .returning('id')
    .executeTakeFirst();
  await trx
    .updateTable('notices')
    .set((notice) => ({
      attempts: notice('attempts', '-', 1),
      error: null,
      ...(digest ? { state: 'gathered', digest_id: digest.id, next_at: at } : { next_at: at }),
    }))
    .where('id', '=', id)
    .execute();
}

/** What was in the digest is sent with it. What came too late for it goes its own way. */
async function settleContained({ trx, now }: RecordUnit, digest: string, outcome: NotificationOutcome): Promise<void> {
  if (outcome.state !== 'sent' && outcome.state !== 'dropped') return;
  const parts = trx.updateTable('notices').where('digest_id', '=', digest).where('state', '=', 'gathered');
  if (outcome.state === 'sent') {
    const { receipt, contained = [] } = outcome;
    await parts
      .set({ state: 'sent', next_at: null, receipt })
      .where('id', 'in', [...contained])
      .execute();
  }
  await parts.set({ state: 'waiting', next_at: now, digest_id: null }).execute();
}

export async function earlierNotifications(
  db: Kysely<Schema>,
  { id, holdId, channel, to }: Notification,
): Promise<Notification[]> {
  if (holdId === null) return [];
  const rows = await db
    .selectFrom('notices')
    .selectAll()
    .where('hold_id', '=', holdId)
    .where('id', '<', id)
    .where('channel', '=', channel)
    .where('recipient', to === null ? 'is' : '=', to)
    .where('state', 'in', ['waiting', 'gathered', 'sent'])
    .orderBy('id')
    .execute();
  return rows.map(fromRow);
}

export async function gatheredNotifications(db: Kysely<Schema>, digest: string): Promise<Notification[]> {
  const rows = await db
    .selectFrom('notices')
    .selectAll()
    .where('digest_id', '=', digest)
    .where('state', '=', 'gathered')
    .orderBy('id')
    .execute();
  return rows.map(fromRow);
}

/** Those about one hold, oldest first. */
export async function notificationsAbout(db: Kysely<Schema>, holdId: string): Promise<Notification[]> {
  const about = db.selectFrom('notices').selectAll().where('hold_id', '=', holdId);
  return (await about.orderBy('created_at').orderBy('id').execute()).map(fromRow);
}

/** Newest first. The cursor is the last identifier: identifiers sort by time of creation. */
export async function listNotifications(
  db: Kysely<Schema>,
  { state, cursor, limit }: NotificationFilter,
): Promise<Page<Notification>> {
  let query = db.selectFrom('notices').selectAll();
  if (state) query = query.where('state', '=', state);
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
  return {
    id: row.id,
    kind: row.kind as Notification['kind'],
    holdId: row.hold_id,
    channel: row.channel,
    to: row.recipient,
    payload: row.payload,
    ifUnanswered: row.if_unanswered === 1,
    createdAt: row.created_at,
    attempts: row.attempts,
    error: row.error,
    nextAt: row.next_at,
    state: row.state as Notification['state'],
    receipt: row.receipt,
  };
}
