import { sql } from 'kysely';
import type { Transaction } from 'kysely';
import { createdAt, firstIdSince } from '../../domain/id.ts';
import { Problem } from '../../domain/problem.ts';
import type { Schema } from './schema.ts';

/** Most handoffs of one agent that wait for an answer. */
export const MOST_OPEN = 200;
/** Most that one agent may open within an hour. Each keeps up to 4 MiB of artifacts, and notifies people. */
export const MOST_AN_HOUR = 500;
const HOUR = 3_600_000;
/** Seconds after which to try again where only people can make room. */
const RETRY_OPEN = 60;

/**
 * Limits what one agent may hand to others, on all gateways of a store: an agent in a loop would bury the work of the
 * reviewers, and fill the store.
 * @throws Problem `too-many-handoffs`, with the seconds after which there is room
 */
export async function assertRoomForHandoff(trx: Transaction<Schema>, agent: string, now: number): Promise<void> {
  const since = firstIdSince('hold', now - HOUR);
  const { rows } = await sql<{ open: number | string; recent: number | string; oldest: string | null }>`select
    (select count(*) from holds
      where agent = ${agent} and open = 1 and kind <> 'approval' and status = 'pending') as open,
    count(*) as recent, min(id) as oldest
    from holds where id >= ${since} and agent = ${agent} and kind <> 'approval'`.execute(trx);
  const { open, recent, oldest } = rows[0]!;
  if (Number(open) >= MOST_OPEN) throw tooMany(`${MOST_OPEN} handoffs of this agent wait already`, RETRY_OPEN);
  if (oldest === null || Number(recent) < MOST_AN_HOUR) return;
  const room = Math.ceil((createdAt(oldest) + HOUR - now) / 1000);
  throw tooMany(`This agent opened ${MOST_AN_HOUR} handoffs within the hour`, Math.max(1, room));
}

function tooMany(why: string, retry_after: number): Problem {
  return new Problem('too-many-handoffs', {
    detail: `${why}. Send it again after Retry-After.`,
    extras: { retry_after },
  });
}
