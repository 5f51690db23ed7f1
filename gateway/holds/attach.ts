import type { Hold, HoldDraft } from '../domain/hold.ts';
import { Problem } from '../domain/problem.ts';
import type { Step } from './changes.ts';
import type { HoldWriter, Writing } from './hold-writer.ts';
import { transition } from './machine.ts';
import { ANSWER_KEPT } from './retention.ts';
import { fromRow, overdueCommand } from './rows.ts';
import type { HoldRow } from './schema.ts';

/**
 * The hold that a call already has; null when it needs a new one. A hold whose time is over is settled on the way, so
 * that nobody waits for what can no longer happen.
 * @throws Problem `key-reused` when the agent used this `Idempotency-Key` for another payload within the last day.
 */
export async function attachToExisting(writer: HoldWriter, writing: Writing, draft: HoldDraft): Promise<Hold | null> {
  await settleOverdue(writer, writing, draft);
  const row = await find(writing, draft);
  if (!row) return null;
  const hold = fromRow(row);
  const attached: Step = {
    type: 'hold.attached',
    layer: 'execute',
    actor: draft.principal.agent,
    actor_kind: 'agent',
  };
  const withHandle = draft.handle && !hold.handle ? transition(hold, { type: 'give-handle' }, writing.now) : null;
  if (withHandle && 'events' in withHandle) {
    await writer.update(writing, row, { hold: withHandle.hold, events: [attached] });
    return withHandle.hold;
  }
  await writer.record(writing, row, [attached]);
  return hold;
}

async function find({ trx, now }: Writing, draft: HoldDraft): Promise<HoldRow | undefined> {
  const ofAgent = trx.selectFrom('holds').selectAll().where('agent', '=', draft.principal.agent);
  if (draft.idempotencyKey !== null) {
    const keyed = await ofAgent
      .where('idempotency_key', '=', draft.idempotencyKey)
      .where((hold) => hold.or([hold('open', '=', 1), hold('settled_at', '>', now - ANSWER_KEPT)]))
      .orderBy('id', 'desc')
      .limit(1)
      .executeTakeFirst();
    if (keyed && keyed.digest !== draft.digest) throw new Problem('key-reused', { extras: { hold_id: keyed.id } });
    if (keyed && !asksAgain(keyed)) return keyed;
  }
  return await ofAgent.where('digest', '=', draft.digest).where('open', '=', 1).executeTakeFirst();
}

/** Settled without an answer to repeat: nothing was sent and nobody said no, so the same key asks for a new approval. */
function asksAgain({ status, execution }: HoldRow): boolean {
  return status === 'lapsed' || execution === 'failed';
}

async function settleOverdue(writer: HoldWriter, writing: Writing, draft: HoldDraft): Promise<void> {
  const candidates = await writing.trx
    .selectFrom('holds')
    .selectAll()
    .where('agent', '=', draft.principal.agent)
    .where('open', '=', 1)
    .where((hold) =>
      hold.or([
        hold('digest', '=', draft.digest),
        ...(draft.idempotencyKey === null ? [] : [hold('idempotency_key', '=', draft.idempotencyKey)]),
      ]),
    )
    .execute();
  for (const row of candidates) {
    const hold = fromRow(row);
    const command = overdueCommand(hold, writing.now);
    const ended = command && transition(hold, command, writing.now);
    if (!ended || 'refused' in ended) continue;
    await writer.update(writing, row, ended);
  }
}
