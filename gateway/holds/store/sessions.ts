import { hash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Kysely } from 'kysely';
import type { Clock } from '../../domain/clock.ts';
import { createId } from '../../domain/id.ts';
import type { Channel } from '../../domain/principal.ts';
import { SESSION_LIFE, type Session, type SessionDraft, type SessionStore } from '../../domain/session.ts';
import { isInForce } from '../../domain/time.ts';
import { available } from './available.ts';
import type { Documents } from './documents.ts';
import type { Schema } from './schema.ts';
import type { RecordUnit, Transact } from './unit-of-work.ts';

const SECRET = /^hp_session_[\w-]{43}$/;
/** Milliseconds between two writes of `last_seen_at`: a console asks several times a second. */
const SEEN_INTERVAL = 60_000;

type Row = Schema['sessions'];

/**
 * The part of a session that is sealed and bound to its row. A person who can write to the database, but does not have
 * its key, can neither add a session nor give one to another reviewer.
 */
type Document = {
  /** Lowercase hex SHA-256 of the secret. */
  readonly secretHash: string;
  readonly session: Session;
};

export function createSessionStore(
  db: Kysely<Schema>,
  documents: Documents,
  transact: Transact,
  clock: Clock,
): SessionStore {
  return {
    open: (draft) => available(() => transact(clock(), (unit) => insertSession(unit, draft))),
    find: (secret) => available(() => findSession(db, documents, secret, clock())),
    list: (reviewer) => available(() => listSessions(db, documents, clock(), reviewer)),
    end: (id, by, channel) => available(() => transact(clock(), (unit) => endSession(unit, id, by, channel))),
    revoke: (reviewer, kept, reason) =>
      available(() => transact(clock(), (unit) => revokeSessions(unit, reviewer, kept, reason))),
  };
}

async function insertSession(
  { trx, now, documents, record }: RecordUnit,
  { link, ...draft }: SessionDraft,
): Promise<{ readonly session: Session; readonly secret: string } | null> {
  const id = createId('sess');
  const secret = `hp_session_${randomBytes(32).toString('base64url')}`;
  const secretHash = hash('sha256', secret, 'hex');
  const session = { ...draft, id, createdAt: now, lastSeenAt: now, expiresAt: now + SESSION_LIFE };
  const { numInsertedOrUpdatedRows } = await trx
    .insertInto('sessions')
    .values({
      id,
      secret_hash: secretHash,
      link,
      reviewer: draft.reviewer,
      last_seen_at: now,
      expires_at: session.expiresAt,
      ended_at: null,
      document: documents.seal(id, { secretHash, session } satisfies Document),
    })
    // Two who use a link at once: the database decides.
    .onConflict((conflict) => conflict.column('link').doNothing())
    .executeTakeFirstOrThrow();
  if (Number(numInsertedOrUpdatedRows) === 0) return null;
  await record({
    type: 'session.opened',
    actor: draft.reviewer,
    actor_kind: 'reviewer',
    channel: 'console',
    reason: link === null ? 'with a token' : 'with a one-time link',
  });
  return { session, secret };
}

async function findSession(
  db: Kysely<Schema>,
  documents: Documents,
  secret: string,
  now: number,
): Promise<Session | null> {
  if (!SECRET.test(secret)) return null;
  const secretHash = hash('sha256', secret, 'hex');
  // A caller cannot choose a hash bit by bit, so the time of the lookup reveals nothing about a secret (timing attack).
  const row = await lasting(db, now).where('secret_hash', '=', secretHash).executeTakeFirst();
  if (!row) return null;
  const document = documents.open<Document>(row.id, row.document);
  const session = toSession(row, document);
  if (!timingSafeEqual(Buffer.from(document.secretHash), Buffer.from(secretHash)) || !lasts(session, now)) return null;
  if (now - session.lastSeenAt < SEEN_INTERVAL) return session;
  await db.updateTable('sessions').set({ last_seen_at: now }).where('id', '=', session.id).execute();
  return { ...session, lastSeenAt: now };
}

async function listSessions(
  db: Kysely<Schema>,
  documents: Documents,
  now: number,
  reviewer?: string,
): Promise<Session[]> {
  const rows = lasting(db, now).orderBy('id', 'desc');
  const found = await (reviewer === undefined ? rows : rows.where('reviewer', '=', reviewer)).execute();
  return found
    .map((row) => toSession(row, documents.open(row.id, row.document)))
    .filter((session) => lasts(session, now));
}

async function endSession(
  { trx, now, record }: RecordUnit,
  id: string,
  by: string,
  channel: Channel,
): Promise<boolean> {
  const row = await ending(trx, now).where('id', '=', id).returning('reviewer').executeTakeFirst();
  if (!row) return false;
  await record({
    type: 'session.ended',
    actor: by,
    actor_kind: 'reviewer',
    channel,
    reason: row.reviewer === by ? 'signed out' : `of ${row.reviewer}`,
  });
  return true;
}

async function revokeSessions(
  { trx, now, documents, record }: RecordUnit,
  reviewer: string,
  kept: readonly string[],
  reason: string,
): Promise<number> {
  const rows = await lasting(trx, now).where('reviewer', '=', reviewer).execute();
  const revoked = rows
    .map((row) => toSession(row, documents.open(row.id, row.document)))
    .filter(({ tokenHash }) => !kept.includes(tokenHash));
  for (const { id } of revoked) {
    await ending(trx, now).where('id', '=', id).execute();
    await record({ type: 'session.ended', actor: 'holdpoint', actor_kind: 'gateway', channel: 'console', reason });
  }
  return revoked.length;
}

/** A session that has ended stays in the table until its time is over: its link must not be used again. */
function lasting(db: Kysely<Schema>, now: number) {
  return db.selectFrom('sessions').selectAll().where('ended_at', 'is', null).where('expires_at', '>', now);
}

function ending(db: Kysely<Schema>, now: number) {
  return db.updateTable('sessions').set({ ended_at: now }).where('ended_at', 'is', null).where('expires_at', '>', now);
}

function toSession({ id, last_seen_at }: Row, { session }: Document): Session {
  return { ...session, id, lastSeenAt: last_seen_at };
}

/** A clock that was set back must not lengthen a session; see `isInForce`. */
function lasts({ createdAt, expiresAt }: Session, now: number): boolean {
  return isInForce(createdAt, expiresAt, now);
}
