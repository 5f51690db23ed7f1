import type { Event } from '../../gateway/domain/event.ts';
import type { HoldStatus } from '../../gateway/domain/hold.ts';
import { isOfficeHour, nextMorning } from './calendar.ts';
import { FACTS } from './facts.ts';
import type { Gate, HoldTerms } from './gates.ts';
import { id } from './identifier.ts';
import type { Random } from './random.ts';
import type { HoldStory } from './story.ts';

const HOUR = 3_600_000;
const byGateway = { actor: 'holdpoint', actor_kind: 'gateway' } as const;

/** An approval that covers further calls. */
export type Grant = { readonly id: string; readonly until: number; readonly uses: number; used: number };

/** How people decided on one hold, up to where a call may be sent. */
export type Decided = HoldStory & {
  readonly events: Event[];
  /** The grant that came with the approval. */
  readonly grant: Grant | null;
};

/** Fields common to all steps of a hold. */
export type HoldBase = Omit<Event, 'event_id' | 'at' | 'type' | 'layer' | 'actor' | 'actor_kind'> & {
  readonly hold_id: string;
};

/**
 * A step; `held_ms` follows from its time, and its reason is the hold's unless it has one. It has no name yet: that
 * follows from its place among all steps of holds.
 */
export type Step = Pick<Event, 'type' | 'layer' | 'actor' | 'actor_kind'> & Partial<Event>;

export function step(base: HoldBase, openedAt: number, at: number, more: Step): Event {
  return { ...base, event_id: '', at, held_ms: at - openedAt, ...more };
}

export function tellHold(
  random: Random,
  options: {
    readonly base: HoldBase;
    readonly gate: Gate & { readonly terms: HoldTerms };
    readonly openedAt: number;
    /** Where in the shares of `Ends` this one lies. */
    readonly share: number;
    /** An earlier approval that covers the call. */
    readonly grant: Grant | null;
  },
): Decided {
  const { base, gate, openedAt, share, grant } = options;
  const { terms } = gate;
  const events: Event[] = [];
  const add = (at: number, more: Step) => events.push(step(base, openedAt, at, more));
  const story = (status: HoldStatus, decidedBy: string, decidedAt: number, more: Partial<Decided> = {}): Decided => ({
    holdId: base.hold_id,
    rule: gate.rule,
    group: terms.group,
    openedAt,
    respondWithin: terms.respondWithin,
    status,
    decidedBy,
    byPerson: false,
    decidedAt,
    code: null,
    edited: [],
    escalations: 0,
    reminders: 0,
    events,
    grant: null,
    ...more,
  });

  add(openedAt, {
    type: 'hold.opened',
    layer: 'decide',
    ...byGateway,
    level: terms.level,
    groups: [terms.group],
    respond_within_ms: terms.respondWithin,
  });
  if (grant) {
    grant.used += 1;
    const reason = `use ${grant.used} of ${grant.uses} of ${grant.id}`;
    add(openedAt, { type: 'hold.approved', layer: 'decide', actor: grant.id, actor_kind: 'gateway', reason });
    add(openedAt, { type: 'grant.used', layer: 'decide', ...byGateway, reason });
    return story('approved', grant.id, openedAt);
  }

  const decidesAt = whenDecided(random, terms, openedAt);
  const expiresAt = openedAt + terms.expiresIn;
  // Agents give up now and then, but not on holds that are decided at once.
  const leavesAt =
    terms.looks && random.next() < 0.008 ? openedAt + Math.round((decidesAt - openedAt) * random.next()) : Infinity;
  const endsAt = Math.min(decidesAt, expiresAt, leavesAt);

  let escalations = 0;
  let reminders = 0;
  const dueAt = openedAt + terms.respondWithin;
  if (terms.escalateTo !== undefined && endsAt > dueAt) {
    escalations = 1;
    add(dueAt, { type: 'hold.escalated', layer: 'decide', ...byGateway, reason: `to ${terms.escalateTo}` });
  }
  const remindAt = openedAt + terms.respondWithin / 2;
  if (terms.escalateTo === undefined && endsAt > remindAt) {
    reminders = 1;
    add(remindAt, { type: 'hold.reminded', layer: 'decide', ...byGateway });
  }
  if (leavesAt === endsAt && leavesAt < decidesAt) {
    const actor = base.agent ?? '';
    add(endsAt, { type: 'hold.cancelled', layer: 'decide', actor, actor_kind: 'agent' });
    return story('cancelled', actor, endsAt, { escalations, reminders });
  }
  if (expiresAt === endsAt) {
    add(endsAt, { type: 'hold.expired', layer: 'decide', ...byGateway });
    return story('expired', byGateway.actor, endsAt, { escalations, reminders });
  }

  const reviewer = random.pick(present(terms.reviewers, decidesAt));
  const channel = random.next() < 0.75 ? 'console' : random.next() < 0.7 ? 'chat' : 'api';
  const person = { layer: 'decide', actor: reviewer, actor_kind: 'reviewer', channel } as const;
  if (terms.looks) {
    const looked = Math.min(Math.round(random.around(45_000, 0.8)), Math.round((endsAt - openedAt) * 0.8));
    add(endsAt - looked, { type: 'hold.claimed', ...person });
    if (random.next() < 0.02)
      add(endsAt - (looked >> 1), { type: 'hold.noted', ...person, reason: 'I asked the team.' });
  }
  const common = { byPerson: true, escalations, reminders };
  const { rejected = 0, edited = 0, takenOver = 0 } = terms.ends;
  if (share < rejected) {
    const code = random.pick(terms.codes);
    const reason = random.pick(terms.notes);
    add(endsAt, { type: 'hold.rejected', ...person, code, reason, failure: 'boundary-exceeded' });
    return story('rejected', reviewer, endsAt, { ...common, code });
  }
  if (share < rejected + takenOver) {
    add(endsAt, { type: 'hold.taken-over', ...person, reason: 'I do it.' });
    const doneAt = endsAt + Math.round(random.around(HOUR, 0.5));
    add(doneAt, { ...person, type: 'hold.outcome', layer: 'record', code: 'executed', reason: `po_${random.hex(8)}` });
    return story('taken-over', reviewer, endsAt, common);
  }
  const changed = share < rejected + edited ? [random.pick(terms.pointers)] : [];
  if (changed.length > 0) add(endsAt, { type: 'hold.edited', ...person, changes: changed });
  add(endsAt, { type: 'hold.voted', ...person });
  add(endsAt, { type: 'hold.approved', ...person });
  const given = changed.length === 0 && random.next() < terms.grants ? newGrant(random, endsAt) : null;
  if (given) {
    const reason = `${given.uses} uses of ${given.id} until ${new Date(given.until).toISOString()}`;
    add(endsAt, { type: 'grant.created', ...person, reason });
  }
  return story('approved', reviewer, endsAt, { ...common, edited: changed, grant: given });
}

function newGrant(random: Random, at: number): Grant {
  return { id: id(random, 'grant', at), until: at + 72 * HOUR, uses: 5, used: 0 };
}

function whenDecided(random: Random, { median, spread, nights }: HoldTerms, openedAt: number): number {
  const takes = Math.max(300, Math.round(random.around(median, spread)));
  if (isOfficeHour(openedAt)) {
    const at = openedAt + takes;
    return nights || isOfficeHour(at) ? at : nextMorning(at) + Math.round(takes / 4);
  }
  // Few reviewers are there at night, and they are busy; a decision at a glance takes no longer.
  if (nights) return openedAt + (median < 10_000 ? takes : takes * 3);
  return nextMorning(openedAt) + takes;
}

/** Absent reviewers have a deputy. */
function present(reviewers: readonly string[], at: number): readonly string[] {
  const { reviewer, from, to } = FACTS.delegation;
  return at < from || at >= to ? reviewers : reviewers.filter((one) => one !== reviewer);
}
