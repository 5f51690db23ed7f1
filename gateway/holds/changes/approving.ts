import type { GrantTerms } from '../../domain/grant.ts';
import type { CallHold, Vote } from '../../domain/hold.ts';
import { bodyShape } from '../body-shape.ts';
import { carriedOver } from '../escalation.ts';
import { approvals, authority, isQuorate } from '../quorum.ts';
import { because, byPerson, changed, heldFor, settled, type Change, type Command, type Step } from './change.ts';

/** How long an approval may wait to be redeemed, in milliseconds. */
export const REDEEM_WITHIN = 24 * 3_600_000;

/** How many places of an edit its event lists; an edit by hand has a few. */
const MOST_CHANGES = 100;

/** Counts the vote. The last vote that the quorum needs approves the call; any other ends the reviewer's claim. */
export function approve(hold: CallHold, command: Command<'approve'>, now: number): Change {
  const voted: CallHold = { ...hold, votes: [...hold.votes, vote(hold, command, now)] };
  const { votes } = voted;
  const { note, channel } = command;
  const step: Step = {
    type: 'hold.voted',
    ...byPerson(command),
    ...because(note),
    ...heldFor(hold, now),
  };
  if (!isQuorate(voted)) return changed(hold, { votes, lease: null }, step);
  const change = changed(
    hold,
    {
      ...settled(now),
      status: 'approved',
      decidedBy: command.by.id,
      note,
      redeemBy: now + REDEEM_WITHIN,
      votes,
    },
    step,
    { ...step, type: 'hold.approved', channel },
  );
  const grant = narrowest(approvals(voted));
  return grant ? { ...change, grant } : change;
}

/** Makes the next revision, which voids earlier votes, and counts the editor's vote for it. */
export function edit(hold: CallHold, command: Command<'edit'>, now: number): Change {
  const { digest, envelope, judgement, by, changed: places = [] } = command;
  const { terms } = judgement;
  const { bodyShape: _before, ...unedited } = hold;
  const shape = bodyShape(command.call);
  const edited: CallHold = {
    ...unedited,
    ...judgement,
    digest,
    envelope,
    ...(shape !== null && { bodyShape: shape }),
    revision: hold.revision + 1,
    editors: [...new Set([...hold.editors, by.id])],
    ...carriedOver(hold, terms, now),
    expiresAt: Math.min(hold.expiresAt, now + terms.expiresIn),
    lease: null,
  };
  const votes = [...hold.votes, vote(edited, { ...command, grant: null }, now)];
  return changed(
    hold,
    { ...edited, votes },
    {
      type: 'hold.edited',
      ...byPerson(command),
      ...because(command.note),
      policy_revision: judgement.policyRevision,
      changes: places.slice(0, MOST_CHANGES),
      ...heldFor(hold, now),
    },
    { type: 'hold.voted', ...byPerson(command), ...heldFor(hold, now) },
  );
}

/** A grant approves instead of people. */
export function redeem(hold: CallHold, { grant, by, use }: Command<'redeem'>, now: number): Change {
  return changed(
    hold,
    {
      ...settled(now),
      status: 'approved',
      decidedBy: by.join(', '),
      grantId: grant,
      redeemBy: now + REDEEM_WITHIN,
    },
    { type: 'hold.approved', actor: grant, actor_kind: 'gateway', reason: use, ...heldFor(hold, now) },
  );
}

function vote(
  hold: CallHold,
  {
    by,
    channel,
    note,
    seenAt,
    grant,
  }: Pick<Command<'approve'>, 'by' | 'channel' | 'note' | 'seenAt'> & Pick<Vote, 'grant'>,
  at: number,
): Vote {
  const as = authority(hold, by) ?? by;
  const { revision } = hold;
  return {
    reviewer: by.id,
    for: as.id === by.id ? null : as.id,
    groups: as.groups,
    revision,
    channel,
    note,
    grant,
    seenAt,
    at,
  };
}

/** What every vote grants; null when one of them approves this call alone. */
function narrowest(votes: readonly Vote[]): GrantTerms | null {
  return votes
    .map(({ grant }) => grant)
    .reduce((a, b) =>
      a && b
        ? {
            uses: Math.min(a.uses, b.uses),
            until: Math.min(a.until, b.until),
            open: a.open.filter((pointer) => b.open.includes(pointer)),
          }
        : null,
    );
}
