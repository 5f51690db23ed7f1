import type { Hold } from '../../domain/hold.ts';
import { LEASE, leaseInForce } from '../../domain/lease.ts';
import { broughtIn } from '../escalation.ts';
import { takerId } from '../guards.ts';
import { byPerson, changed, heldFor, type Change, type Command } from './change.ts';

/** Renewing a claim is no event. */
export function claim(hold: Hold, command: Command<'claim'>, now: number): Change {
  const by = takerId(command.by);
  const until = now + LEASE;
  const current = leaseInForce(hold.lease, now);
  if (current?.by === by) {
    return changed(hold, { lease: { by, since: current.since, until } });
  }
  const lease = { by, since: now, until };
  return changed(hold, { lease }, { type: 'hold.claimed', ...byPerson(command), ...heldFor(hold, now) });
}

export function unclaim(hold: Hold, command: Command<'unclaim'>, now: number): Change {
  return changed(hold, { lease: null }, { type: 'hold.unclaimed', ...byPerson(command), ...heldFor(hold, now) });
}

export function note(hold: Hold, command: Command<'note'>, now: number): Change {
  const notes = [...hold.notes, { by: command.by.id, at: now, text: command.text }];
  return changed(hold, { notes }, { type: 'hold.noted', ...byPerson(command), ...heldFor(hold, now) });
}

/** Escalating ends the reviewer's own claim. */
export function escalate(hold: Hold, command: Command<'escalate'>, now: number): Change {
  const { to, note } = command;
  const escalations = [...hold.escalations, ...broughtIn(hold, to, { at: now, by: command.by.id, note })];
  const reason = [`to ${to.join(', ')}`, ...(note === null ? [] : [note])].join(': ');
  return changed(
    hold,
    { escalations, lease: null },
    { type: 'hold.escalated', ...byPerson(command), reason, ...heldFor(hold, now) },
  );
}
