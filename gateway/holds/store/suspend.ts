import { sql } from 'kysely';
import type { Suspension } from '../../domain/hold-store.ts';
import { overdueCommand } from '../deadlines.ts';
import { revokeGrantsOf } from './grants.ts';
import type { HoldWriter } from './hold-writer.ts';
import { transition } from '../machine.ts';
import { fromRow } from './rows.ts';
import { insertSuspension } from './suspensions.ts';
import type { Writing } from './unit-of-work.ts';

/**
 * Suspends an agent or a system, and ends what it has under way: whatever is undecided or approved and not yet sent is
 * superseded, and an agent's grants are revoked. Only where nobody else writes, so that nothing can slip in beside it.
 * @returns how many holds were superseded
 */
export async function suspend(
  writer: HoldWriter,
  writing: Writing,
  suspension: Omit<Suspension, 'at'>,
): Promise<number> {
  const { kind, name, by, channel, reason } = suspension;
  await insertSuspension(writing, suspension);
  const rows = await writing.trx
    .selectFrom('holds')
    .selectAll()
    .where('open', '=', sql.lit(1))
    .where('execution', '=', 'none')
    .where(kind, '=', name)
    .orderBy('id')
    .execute();
  const why = `${by} suspended the ${kind} ${name}${reason === null ? '' : `: ${reason}`}`;
  let superseded = 0;
  for (const row of rows) {
    const hold = fromRow(row);
    // What time has ended already was not ended by this.
    const overdue = overdueCommand(hold, writing.now);
    const policyRevision = hold.kind === 'approval' ? hold.policyRevision : null;
    const command = { type: 'supersede', reason: why, policyRevision } as const;
    const change = transition(hold, overdue ?? command, writing.now);
    if ('refused' in change || !(await writer.update(writing, row, change))) continue;
    if (change.hold.status === 'superseded') superseded++;
  }
  if (kind === 'agent') await revokeGrantsOf(writing, name, by, channel);
  return superseded;
}
