import type { Transaction } from 'kysely';
import type { HeldResponse, Hold, HoldDraft } from '../domain/hold.ts';
import { createId } from '../domain/id.ts';
import type { Change, Step } from './changes.ts';
import { holdEvent } from './hold-event.ts';
import { fromRow, toRow } from './rows.ts';
import type { HoldRow, Schema } from './schema.ts';
import { keepSealed } from './sealed-content.ts';
import { nextChange } from './sequence.ts';
import type { Vault } from './vault.ts';

/** Room for the events of one change, so that places in the outbox follow from the change's number. */
const EVENTS_PER_CHANGE = 8;

/** In which transaction a change is written, and when (milliseconds since the epoch). */
export type Writing = { readonly trx: Transaction<Schema>; readonly now: number };

export type HoldWriter = {
  insert(writing: Writing, draft: HoldDraft): Promise<Hold>;
  /** Compare-and-swap. False when another change was first; then nothing was written. */
  update(writing: Writing, before: HoldRow, next: Change, response?: HeldResponse): Promise<boolean>;
  /** Puts steps into the outbox that change nothing about the hold. */
  record(writing: Writing, row: HoldRow, steps: readonly Step[]): Promise<void>;
};

/** Writes holds together with what belongs to them: routing, sealed content and the outbox's events. */
export function createHoldWriter({ vault, node }: { vault: Vault; node: string }): HoldWriter {
  async function emit(
    { trx, now }: Writing,
    change: number,
    hold: Hold,
    steps: readonly Step[],
    traceId: string | null,
  ): Promise<void> {
    for (const [index, step] of steps.entries()) {
      const event = JSON.stringify(holdEvent(hold, step, { at: now, node, traceId }));
      await trx
        .insertInto('outbox')
        .values({ seq: change * EVENTS_PER_CHANGE + index, event })
        .execute();
    }
  }

  return {
    async insert(writing, { call, traceId, ...described }) {
      const { trx, now } = writing;
      const hold: Hold = {
        ...described,
        id: createId('hold'),
        version: 1,
        revision: 1,
        kind: 'approval',
        status: 'pending',
        execution: 'none',
        votes: [],
        createdAt: now,
        expiresAt: now + described.terms.expiresIn,
        redeemBy: null,
        decidedAt: null,
        decidedBy: null,
        code: null,
        note: null,
        attempt: null,
        upstreamStatus: null,
      };
      const change = await nextChange(trx);
      await trx
        .insertInto('holds')
        .values({ ...toRow(hold, change, now), trace_id: traceId })
        .execute();
      await route(trx, hold);
      await keepSealed(trx, vault, hold, 'call', call);
      const opened: Step = { type: 'hold.opened', layer: 'decide', actor: 'holdpoint', actor_kind: 'gateway' };
      await emit(writing, change, hold, [opened], traceId);
      return hold;
    },
    async update(writing, before, { hold, events }, response) {
      const { trx, now } = writing;
      const change = await nextChange(trx);
      const { numUpdatedRows } = await trx
        .updateTable('holds')
        .set(toRow(hold, change, now))
        .where('id', '=', hold.id)
        .where('version', '=', before.version)
        .executeTakeFirst();
      if (numUpdatedRows !== 1n) return false;
      if (fromRow(before).revision !== hold.revision) await route(trx, hold);
      if (response) await keepSealed(trx, vault, hold, 'response', response);
      await emit(writing, change, hold, events, before.trace_id);
      return true;
    },
    async record(writing, row, steps) {
      await emit(writing, await nextChange(writing.trx), fromRow(row), steps, row.trace_id);
    },
  };
}

async function route(trx: Transaction<Schema>, hold: Hold): Promise<void> {
  await trx.deleteFrom('hold_groups').where('hold_id', '=', hold.id).execute();
  for (const group of new Set(hold.terms.reviewers)) {
    await trx.insertInto('hold_groups').values({ hold_id: hold.id, group_name: group }).execute();
  }
}
