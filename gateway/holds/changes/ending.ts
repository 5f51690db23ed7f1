import type { Hold } from '../../domain/hold.ts';
import { takerId } from '../guards.ts';
import { because, byGateway, byPerson, changed, heldFor, settled, type Change, type Command } from './change.ts';

/** For how long a rejection answers identical calls where no rule says. */
const REJECTION_STANDS = 10 * 60_000;

export function reject(hold: Hold, command: Command<'reject'>, now: number): Change {
  const { by, code, note } = command;
  const { rejectionStands = REJECTION_STANDS } = hold.terms;
  const stands = hold.kind === 'approval' && rejectionStands > 0 ? { rejectedUntil: now + rejectionStands } : {};
  return changed(
    hold,
    { ...settled(now), status: 'rejected', decidedBy: by.id, code, note, ...stands },
    {
      type: 'hold.rejected',
      ...byPerson(command),
      failure: 'boundary-exceeded',
      code,
      ...because(note),
      ...heldFor(hold, now),
    },
  );
}

export function takeOver(hold: Hold, command: Command<'take-over'>, now: number): Change {
  const { by, note } = command;
  return changed(
    hold,
    { ...settled(now), status: 'taken-over', decidedBy: by.id, note },
    { type: 'hold.taken-over', ...byPerson(command), ...because(note), ...heldFor(hold, now) },
  );
}

export function answer(hold: Hold, command: Command<'answer'>, now: number): Change {
  const { by, note, answer } = command;
  return changed(
    hold,
    { ...settled(now), status: 'answered', decidedBy: by.id, note },
    { type: 'hold.answered', ...byPerson(command), ...because(answer.option ?? note), ...heldFor(hold, now) },
  );
}

export function accept(hold: Hold, command: Command<'accept'>, now: number): Change {
  const { by, note } = command;
  return changed(
    hold,
    { ...settled(now), status: 'accepted', decidedBy: takerId(by), note },
    { type: 'hold.accepted', ...byPerson(command), ...because(note), ...heldFor(hold, now) },
  );
}

export function giveBack(hold: Hold, command: Command<'return'>, now: number): Change {
  const { by, code, note } = command;
  return changed(
    hold,
    { ...settled(now), status: 'returned', decidedBy: takerId(by), code, note },
    { type: 'hold.returned', ...byPerson(command), code, ...because(note), ...heldFor(hold, now) },
  );
}

export function cancel(hold: Hold, { by, as, channel, reason }: Command<'cancel'>, now: number): Change {
  return changed(
    hold,
    { ...settled(now), status: 'cancelled', decidedBy: by, note: reason },
    {
      type: 'hold.cancelled',
      actor: by,
      actor_kind: as === 'agent' ? 'agent' : 'reviewer',
      channel: channel ?? 'agent',
      ...because(reason),
      ...heldFor(hold, now),
    },
  );
}

export function supersede(hold: Hold, { reason, policyRevision }: Command<'supersede'>, now: number): Change {
  return changed(
    hold,
    { ...settled(now), status: 'superseded', decidedBy: null, note: reason },
    {
      type: 'hold.superseded',
      ...byGateway,
      reason,
      ...(policyRevision !== null && { policy_revision: policyRevision }),
      ...heldFor(hold, now),
    },
  );
}
