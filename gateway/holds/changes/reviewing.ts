import type { Hold } from '../../domain/hold.ts';
import { broughtIn } from '../escalation.ts';
import { takerId } from '../guards.ts';
import { byPerson, changed, heldFor, type Change, type Command } from './change.ts';

/** How long a claim lasts unless it is renewed, in milliseconds. */
export const LEASE = 5 * 60_000;

/** Renewing a claim is no event. */
export function claim(hold: Hold, command: Command<'claim'>, now: number): Change {
  const by = takerId(command.by);
  const until = now + LEASE;
  if (hold.lease?.by === by && now < hold.lease.until) {
    return changed(hold, { lease: { by, since: hold.lease.since, until } });
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
