import { sql } from 'kysely';
import { isConclusive, isOpen, isOwed, type Hold } from '../../domain/hold.ts';
import { isInForce } from '../../domain/time.ts';
import { Problem } from '../../domain/problem.ts';
import type { Step } from '../changes/change.ts';
import { ANSWER_KEPT, overdueCommand } from '../deadlines.ts';
import type { HoldWriter } from './hold-writer.ts';
import { transition } from '../machine.ts';
import { fromRow } from './rows.ts';
import type { HoldRow } from './schema.ts';
import { isAlive } from './senders.ts';
import type { UnitOfWork } from './unit-of-work.ts';

/** By what a call is known again, and whether it asks for a handle. */
export type Asking = {
  readonly agent: string;
  readonly digests: readonly string[];
  readonly idempotencyKey: string | null;
  readonly handle: boolean;
  /** The process of the caller, which tells it how the hold ended. */
  readonly sender: string | null;
};

type Kept = { readonly row: HoldRow; readonly hold: Hold };

/** Another change was first; what is read now is something else. */
class Overtaken extends Error {}

/** Another caller is being told how the hold ended. Whether this call is a new one is known after that. */
export class BeingTold extends Error {
  readonly hold: Hold;

  constructor(hold: Hold) {
    super(`a caller is being told how ${hold.id} ended`);
    this.hold = hold;
  }
}

/**
 * The hold that a call already has; null when it needs a new one. A hold past its deadline is settled on the way, so
 * that no caller waits for what can no longer happen.
 * @throws BeingTold when another caller is told first
 * @throws Problem `key-reused` when the agent used this `Idempotency-Key` for another payload within the last day.
 */
export async function attachToExisting(writer: HoldWriter, unit: UnitOfWork, asking: Asking): Promise<Hold | null> {
  for (;;) {
    try {
      return await attach(writer, unit, asking);
    } catch (error) {
      if (!(error instanceof Overtaken)) throw error;
    }
  }
}

async function attach(writer: HoldWriter, unit: UnitOfWork, asking: Asking): Promise<Hold | null> {
  const rows = await candidates(unit, asking);
  if (rows.length === 0) return null;
  unit.hasRead();
  const found: Kept[] = [];
  for (const row of rows) found.push(await settled(writer, unit, row));
  const kept = choose(found, asking);
  if (!kept) return null;
  if (!isOwed(kept.hold)) return await record(writer, unit, kept, asking);
  const owed = await takeOwed(writer, unit, kept, asking);
  return owed && (await record(writer, unit, owed, asking));
}

/**
 * The end that is owed, for this caller to be told; null for a caller with an `Idempotency-Key`, which makes its call a
 * new one. What was not executed counts as told from now on: it may be asked for again.
 */
async function takeOwed(writer: HoldWriter, unit: UnitOfWork, kept: Kept, asking: Asking): Promise<Kept | null> {
  const { row, hold } = kept;
  if (!isConclusive(hold)) return kept;
  const isNew = asking.idempotencyKey !== null;
  const isExecuted = hold.execution !== 'none';
  const by = isOwed(hold) ? hold.owed.by : null;
  if (isExecuted && by !== null && (await isAlive(unit.trx, by))) throw new BeingTold(hold);
  const command =
    isExecuted && !isNew ? ({ type: 'tell', by: asking.sender ?? '' } as const) : ({ type: 'told' } as const);
  const change = transition(hold, command, unit.now);
  if ('refused' in change || !(await writer.update(unit, { ...row, version: hold.version }, change))) {
    throw new Overtaken();
  }
  return isNew ? null : { row, hold: change.hold };
}

/**
 * The rejection that still answers this call; null when there is none. Otherwise an agent that repeats a rejected call
 * would ask people again each time.
 */
export async function standingRejection(writer: HoldWriter, unit: UnitOfWork, asking: Asking): Promise<Hold | null> {
  const row = await unit.trx
    .selectFrom('holds')
    .selectAll()
    .where('agent', '=', asking.agent)
    .where('digest', 'in', asking.digests)
    // Written out, not as a parameter, so that the index over rejected holds is used.
    .where(sql<boolean>`status = 'rejected'`)
    .orderBy('id', 'desc')
    .limit(1)
    .executeTakeFirst();
  if (!row) return null;
  unit.hasRead();
  const hold = fromRow(row, unit.documents);
  if (!isStanding(hold, unit.now)) return null;
  return await record(writer, unit, { row, hold }, asking);
}

/** A clock that was set back must not lengthen it. */
function isStanding({ decidedAt, rejectedUntil }: Hold, now: number): boolean {
  return rejectedUntil !== undefined && decidedAt !== null && isInForce(decidedAt, rejectedUntil, now);
}

async function record(writer: HoldWriter, unit: UnitOfWork, { row, hold }: Kept, asking: Asking): Promise<Hold> {
  const attached: Step = {
    type: 'hold.attached',
    actor: asking.agent,
    actor_kind: 'agent',
    channel: 'agent',
  };
  const withHandle = asking.handle && !hold.handle ? transition(hold, { type: 'give-handle' }, unit.now) : null;
  if (!withHandle || 'refused' in withHandle) {
    await writer.record(unit, hold, attached, row.trace_id);
    return hold;
  }
  const change = { ...withHandle, events: [...withHandle.events, attached] };
  if (!(await writer.update(unit, { ...row, version: hold.version }, change))) throw new Overtaken();
  return change.hold;
}

/** Open holds for the same call or under the same key, and settled ones that the key still finds. Newest first. */
async function candidates({ trx, now }: UnitOfWork, { agent, digests, idempotencyKey }: Asking): Promise<HoldRow[]> {
  const ofAgent = trx.selectFrom('holds').selectAll().where('agent', '=', agent);
  // Written out, not as a parameter: the indexes over open holds are used only where the statement itself says so.
  const open = sql<boolean>`open = 1`;
  const same = ofAgent.where(open).where('digest', 'in', digests);
  if (idempotencyKey === null) return await same.execute();
  const keyed = ofAgent
    .where('idempotency_key', '=', idempotencyKey)
    .where((hold) => hold.or([open, hold('settled_at', '>', now - ANSWER_KEPT)]));
  const found = new Map((await same.unionAll(keyed).execute()).map((row) => [row.id, row]));
  return [...found.values()].toSorted((a, b) => (a.id < b.id ? 1 : -1));
}

async function settled(writer: HoldWriter, unit: UnitOfWork, row: HoldRow): Promise<Kept> {
  const hold = fromRow(row, unit.documents);
  const command = isOpen(hold) ? overdueCommand(hold, unit.now) : null;
  const ended = command && transition(hold, command, unit.now);
  if (!ended || 'refused' in ended) return { row, hold };
  if (!(await writer.update(unit, row, ended))) throw new Overtaken();
  return { row, hold: ended.hold };
}

function choose(found: readonly Kept[], { digests, idempotencyKey }: Asking): Kept | null {
  if (idempotencyKey !== null) {
    const keyed = found.find(({ hold }) => hold.idempotencyKey === idempotencyKey);
    if (keyed && !digests.includes(keyed.hold.askedDigest)) {
      throw new Problem('key-reused', { extras: { hold_id: keyed.hold.id } });
    }
    if (keyed && !mayAskAgain(keyed.hold)) return keyed;
  }
  return found.find(({ hold }) => digests.includes(hold.askedDigest) && isOpen(hold)) ?? null;
}

/** Settled without an answer to repeat: nothing was done and no person rejected it, so the same key may ask again. */
function mayAskAgain({ status, execution }: Hold): boolean {
  return status === 'lapsed' || execution === 'failed' || execution === 'confirmed-not';
}
