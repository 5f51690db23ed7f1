import { sql } from 'kysely';
import type { Clock } from '../../domain/clock.ts';
import type { Suspension, SuspensionStore } from '../../domain/suspension.ts';
import { overdueCommand } from '../deadlines.ts';
import { available } from './available.ts';
import type { HoldDatabase } from './database.ts';
import { revokeGrantsOf } from './grants.ts';
import type { HoldWriter } from './hold-writer.ts';
import { transition } from '../machine.ts';
import { fromRow } from './rows.ts';
import { endSuspension, insertSuspension, listSuspensions } from './suspension-rows.ts';
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
    watch: (changed) => watch.watch(changed),
    refresh: () => available(() => watch.refresh()),
  };
}

/**
 * Suspends an agent or a system, and ends what it has under way: whatever is undecided or approved and not yet sent is
 * superseded, and an agent's grants are revoked. Only in a transaction that writes alone, so that nothing slips in.
 * @returns how many holds were superseded
 */
async function suspend(writer: HoldWriter, unit: UnitOfWork, suspension: Omit<Suspension, 'at'>): Promise<number> {
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
  let superseded = 0;
  for (const row of rows) {
    const hold = fromRow(row, unit.documents);
    // What time has ended already was not ended by this.
    const overdue = overdueCommand(hold, unit.now);
    const policyRevision = hold.kind === 'approval' ? hold.policyRevision : null;
    const command = { type: 'supersede', reason: why, policyRevision } as const;
    const change = transition(hold, overdue ?? command, unit.now);
    if ('refused' in change || !(await writer.update(unit, row, change))) continue;
    if (change.hold.status === 'superseded') superseded++;
  }
  return superseded;
}
