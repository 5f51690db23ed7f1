import { sql } from 'kysely';
import type { Clock } from '../../domain/clock.ts';
import type { Channel } from '../../domain/principal.ts';
import type { NewSuspension, SuspensionStore } from '../../domain/suspension.ts';
import { overdueCommand } from '../deadlines.ts';
import { available } from './available.ts';
import type { HoldDatabase } from './database.ts';
import { revokeGrantsOf } from './grants.ts';
import type { HoldWriter } from './hold-writer.ts';
import { transition } from '../machine.ts';
import { fromRow } from './rows.ts';
import { goOn } from '../changes/timing.ts';
import { askToLift, endSuspension, findStop, insertSuspension, listSuspensions } from './suspension-rows.ts';
import type { SuspensionWatch } from './suspension-watch.ts';
import type { Transact, UnitOfWork } from './unit-of-work.ts';

export function createSuspensionStore(options: {
  readonly database: HoldDatabase;
  readonly writer: HoldWriter;
  readonly transact: Transact;
  readonly watch: SuspensionWatch;
  readonly clock: Clock;
}): SuspensionStore {
  const { database, writer, transact, watch, clock } = options;
  return {
    list: () => available(() => listSuspensions(database.db)),
    suspend: (suspension) =>
      available(async () => {
        const superseded = await transact(clock(), (unit) => suspend(writer, unit, suspension), { alone: true });
        database.announce([]);
        return { superseded };
      }),
    end: (whose, reason) =>
      available(() => transact(clock(), (unit) => endWork(writer, unit, whose, reason), { alone: true })),
    resume: (kind, name, by, channel) =>
      available(async () => {
        const resumed = await transact(clock(), (unit) => endSuspension(unit, kind, name, by, channel));
        database.announce([]);
        return resumed;
      }),
    stop: (by, channel, reason) =>
      available(async () => {
        const stop = { kind: 'everything', name: '', by, channel, reason } as const;
        await transact(clock(), (unit) => insertSuspension(unit, stop), { alone: true });
        database.announce([]);
      }),
    lift: (by, channel, people) =>
      available(async () => {
        await transact(clock(), (unit) => lift(writer, unit, by, channel, people), { alone: true });
        database.announce([]);
      }),
    watch: (changed) => watch.watch(changed),
    refresh: () => available(() => watch.refresh()),
  };
}

/**
 * Suspends an agent or a system, and ends what it has under way: whatever is undecided or approved and not yet sent is
 * superseded, and an agent's grants are revoked. Only in a transaction that writes alone, so that nothing slips in.
 * @returns how many holds were superseded
 */
async function suspend(writer: HoldWriter, unit: UnitOfWork, suspension: NewSuspension): Promise<number> {
  const { kind, name, by, channel, reason } = suspension;
  await insertSuspension(unit, suspension);
  const why = `${by} suspended the ${kind} ${name}${reason === null ? '' : `: ${reason}`}`;
  const superseded = await supersedeHolds(writer, unit, { [kind]: name }, why);
  if (kind === 'agent') await revokeGrantsOf(unit, name, by, channel);
  return superseded;
}

/** Like `suspend`, for an agent or a system that left the configuration. */
async function endWork(writer: HoldWriter, unit: UnitOfWork, whose: Whose, why: string): Promise<number> {
  const superseded = await supersedeHolds(writer, unit, whose, why);
  if (whose.agent !== undefined && whose.system === undefined)
    await revokeGrantsOf(unit, whose.agent, 'holdpoint', null);
  return superseded;
}

/**
 * Lifts the stop of everything, or asks for that. Holds get the time back for which it stood; only in a transaction that
 * writes alone, so that no timer sees a hold in between.
 */
async function lift(writer: HoldWriter, unit: UnitOfWork, by: string, channel: Channel, people: 1 | 2): Promise<void> {
  const stop = await findStop(unit.trx);
  if (!stop) return;
  const asksFirst = people === 2 && (stop.lift_by === null || stop.lift_by === by);
  if (asksFirst) {
    if (stop.lift_by === null) await askToLift(unit, by, channel);
    return;
  }
  await endSuspension(unit, 'everything', '', by, channel);
  const waiting = unit.trx
    .selectFrom('holds')
    .selectAll()
    .where('open', '=', sql.lit(1))
    .where('execution', '=', 'none');
  for (const row of await waiting.orderBy('id').execute()) {
    const change = goOn(fromRow(row, unit.documents), stop.at, unit.now);
    if (change) await writer.update(unit, row, change);
  }
}

type Whose = Parameters<SuspensionStore['end']>[0];

/** Supersedes what is undecided, or approved and not yet sent, of the agent and at the system. */
async function supersedeHolds(
  writer: HoldWriter,
  unit: UnitOfWork,
  { agent, system }: Whose,
  why: string,
): Promise<number> {
  let open = unit.trx.selectFrom('holds').selectAll().where('open', '=', sql.lit(1)).where('execution', '=', 'none');
  if (agent !== undefined) open = open.where('agent', '=', agent);
  if (system !== undefined) open = open.where('system', '=', system);
  const rows = await open.orderBy('id').execute();
  const stop = await findStop(unit.trx);
  let superseded = 0;
  for (const row of rows) {
    const hold = fromRow(row, unit.documents);
    // What time has ended already was not ended by this.
    const overdue = overdueCommand(hold, stop?.at ?? unit.now);
    const policyRevision = hold.kind === 'approval' ? hold.policyRevision : null;
    const command = { type: 'supersede', reason: why, policyRevision } as const;
    const change = transition(hold, overdue ?? command, unit.now);
    if ('refused' in change || !(await writer.update(unit, row, change))) continue;
    if (change.hold.status === 'superseded') superseded++;
  }
  return superseded;
}
