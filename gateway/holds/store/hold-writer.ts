import { sql } from 'kysely';
import type { Hold } from '../../domain/hold.ts';
import { NOTIFIED_STEPS } from '../../domain/notification.ts';
import type { Change, Step } from '../changes/change.ts';
import { insertGrant } from './grants.ts';
import { holdEvent } from './hold-event.ts';
import { toRow } from './rows.ts';
import type { HoldRow } from './schema.ts';
import { keepSealed, readSealed, type Content } from './hold-contents.ts';
import type { Vault } from './vault.ts';
import type { UnitOfWork } from './unit-of-work.ts';

export type HoldWriter = {
  /** A hold as it begins, or as a grant has approved it already. */
  insert(unit: UnitOfWork, opened: Change, contents: readonly Content[], traceId: string | null): Promise<void>;
  /** Compare-and-swap. False when another change was first; then nothing was written. */
  update(unit: UnitOfWork, before: HoldRow, change: Change, contents?: readonly Content[]): Promise<boolean>;
  /** Puts a step into the outbox that changes nothing about the hold. */
  record(unit: UnitOfWork, hold: Hold, step: Step, traceId: string | null): Promise<void>;
};

/** Writes holds together with what belongs to them: sealed content, grants, events, and notifications to people. */
export function createHoldWriter(vault: Vault): HoldWriter {
  async function recordSteps(
    unit: UnitOfWork,
    hold: Hold,
    steps: readonly Step[],
    traceId: string | null,
  ): Promise<void> {
    unit.changed(hold.id);
    for (const step of steps) {
      await unit.record(holdEvent(hold, step, traceId));
      const kind = NOTIFIED_STEPS[step.type];
      // People are not asked about a call that a grant approves.
      const answered = kind === 'opened' && hold.status !== 'pending';
      if (kind && !answered) unit.notify({ kind, hold, at: unit.now });
    }
  }

  return {
    async insert(unit, { hold, events }, contents, traceId) {
      const { trx, now } = unit;
      const row: HoldRow = { ...toRow(hold, unit.documents, await unit.nextChange(), now), trace_id: traceId };
      // Two dozen columns on the way of every call that is held: put together by hand, they cost half as much.
      await sql`insert into holds (${names(row)}) values (${sql.join(Object.values(row))})`.execute(trx);
      await keepSealed(trx, vault, hold, contents);
      await recordSteps(unit, hold, events, traceId);
    },
    async update(unit, before, { hold, events, grant }, contents = []) {
      const { trx, now } = unit;
      const { id: _, ...columns } = toRow(hold, unit.documents, await unit.nextChange(), now);
      const { numAffectedRows } = await sql`
        update holds set (${names(columns)}) = (${sql.join(Object.values(columns))})
        where id = ${hold.id} and version = ${before.version}`.execute(trx);
      if (numAffectedRows !== 1n) return false;
      await keepSealed(trx, vault, hold, contents);
      const steps = [...events];
      if (grant && hold.kind === 'approval') {
        const call = await readSealed(trx, vault, hold.id, 'call');
        if (call) steps.push((await insertGrant(unit, hold, call, grant)).step);
      }
      await recordSteps(unit, hold, steps, before.trace_id);
      return true;
    },
    async record(unit, hold, step, traceId) {
      await unit.record(holdEvent(hold, step, traceId));
    },
  };
}

function names(row: Partial<HoldRow>) {
  return sql.raw(Object.keys(row).join(', '));
}
