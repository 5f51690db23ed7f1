import { expect } from 'vitest';
import type { Event, EventType } from '../../../gateway/domain/event.ts';
import type { Grant } from '../../../gateway/domain/grant.ts';
import type { CallHold } from '../../../gateway/domain/hold.ts';
import type { Arrival } from './business-system.ts';
import { PRINCIPAL } from '../../helpers/hold.ts';
import type { Story } from './stories.ts';
import { NOTIFIED_STEPS } from '../../../gateway/domain/notification.ts';

/** What there is when a story has ended. */
export type Ended = {
  readonly holds: readonly CallHold[];
  readonly events: readonly Event[];
  readonly notices: readonly Record<string, unknown>[];
  readonly grants: readonly Grant[];
  readonly arrivals: readonly Arrival[];
  readonly messages: readonly string[];
};

/** A call that arrives was approved just so, by as many people as it takes, and its release was committed before. */
export function checkArrival({ digest, key }: Arrival, holds: readonly CallHold[]): void {
  const hold = holds.find((one) => one.digest === digest);
  expect(hold, 'what arrived is what somebody was asked about').toBeDefined();
  const { status, execution, attempt, grantId, votes, revision, editors, terms } = hold!;
  expect({ status, execution, key: attempt?.key }).toEqual({ status: 'approved', execution: 'releasing', key });
  const people = new Set(votes.filter((vote) => vote.revision === revision).map(({ reviewer }) => reviewer));
  expect(people).not.toContain(PRINCIPAL.owner);
  if (grantId !== null) return;
  expect(people.size).toBeGreaterThanOrEqual(terms.requirements[0]!.quorum);
  expect([...people].some((id) => !editors.includes(id))).toBe(true);
}

export function checkEnd(story: Story, ended: Ended): void {
  const { holds, events, notices, grants, arrivals, messages } = ended;
  expect(holds.map(({ claims }) => claims.task).toSorted()).toEqual(Object.keys(story.ends).toSorted());
  expect(new Set(events.map(({ event_id }) => event_id)).size, 'each event has its own id').toBe(events.length);
  for (const { held_ms = 0, upstream_ms = 0 } of events)
    expect(Math.min(held_ms, upstream_ms)).toBeGreaterThanOrEqual(0);

  for (const hold of holds) {
    const end = hold.status === 'approved' ? hold.execution : hold.status;
    expect(story.ends[hold.claims.task!]).toContain(end);
    const own = events.filter(({ hold_id }) => hold_id === hold.id);
    expect(told(own), 'the record tells the story of the store').toEqual(kept(hold));
    checkArrivals(
      hold,
      end,
      arrivals.filter(({ digest }) => digest === hold.digest),
    );
    const about = notices.filter(({ hold_id }) => hold_id === hold.id).map(({ kind }) => kind);
    expect(about.toSorted(), 'people are told of what happened').toEqual(occasions(own).toSorted());
  }
  for (const { digest } of arrivals) expect(holds.map((hold) => hold.digest)).toContain(digest);

  for (const { id, used, uses, revokedAt } of grants) {
    expect(used).toBeLessThanOrEqual(uses);
    expect(holds.filter(({ grantId }) => grantId === id)).toHaveLength(used);
    expect(events.filter(({ type, reason }) => type === 'grant.used' && reason?.endsWith(id))).toHaveLength(used);
    expect(events.filter(({ type }) => type === 'grant.revoked')).toHaveLength(revokedAt === null ? 0 : 1);
  }
  expect(events.filter(({ type }) => type === 'grant.created')).toHaveLength(grants.length);

  const sent = notices.filter(({ state }) => state === 'sent').map(({ id }) => id);
  if (story.name === 'people are told') expect(sent).toHaveLength(notices.length);
  for (const id of sent) expect(messages).toContain(id);
}

/** Once, and where the system knows its keys as often as it likes under one of them; or not at all. */
function checkArrivals(hold: CallHold, end: string, arrivals: readonly Arrival[]): void {
  const is = (...ends: string[]) => ends.includes(end);
  const keys = new Set(arrivals.map(({ key }) => key));
  if (is('executed', 'confirmed-executed')) expect(keys).toEqual(new Set([hold.attempt!.key]));
  else expect(arrivals).toEqual([]);
  if (hold.system === 'payments') expect(arrivals.length).toBeLessThanOrEqual(1);
}

const kept = ({ status, execution, votes, revision, attempt, decidedBy, outcome, grantId }: CallHold) => ({
  status,
  execution,
  revision,
  // The event names the grant, the hold those who gave it.
  decidedBy: decidedBy === null ? null : (grantId ?? decidedBy),
  isGranted: grantId !== null,
  votes: votes.map(({ reviewer }) => reviewer),
  attempts: attempt?.number ?? 0,
  outcome: outcome?.by ?? null,
});

/** A hold's story as its events alone tell it. */
function told(events: readonly Event[]): ReturnType<typeof kept> {
  let [status, execution]: [CallHold['status'], CallHold['execution']] = ['pending', 'none'];
  let decidedBy: string | null = null;
  let outcome: string | null = null;
  for (const { type, code, actor } of events) {
    const what = type.slice('hold.'.length);
    if (what === 'reopened') [status, execution, decidedBy] = ['pending', 'none', null];
    else if (['approved', 'rejected', 'expired', 'superseded', 'taken-over'].includes(what)) {
      status = what as CallHold['status'];
      decidedBy = ['expired', 'superseded'].includes(what) ? null : (actor ?? null);
    } else if (what === 'lapsed') status = what;
    else if (what === 'released') execution = 'releasing';
    else if (['executed', 'failed', 'indeterminate'].includes(what)) execution = what as CallHold['execution'];
    else if (what === 'confirmed') execution = code === 'executed' ? 'confirmed-executed' : 'confirmed-not';
    if (['confirmed', 'outcome'].includes(what)) outcome = actor ?? null;
  }
  const count = (...types: EventType[]) => events.filter(({ type }) => types.includes(type)).length;
  expect(count('hold.opened')).toBe(1);
  return {
    status,
    execution,
    decidedBy,
    outcome,
    revision: 1 + count('hold.edited', 'hold.reopened'),
    votes: events.flatMap(({ type, actor = '' }) => (type === 'hold.voted' ? [actor] : [])),
    attempts: count('hold.released'),
    isGranted: count('grant.used') > 0,
  };
}

/** Of what people have to be told, as the events tell it: nobody is asked about what a grant has answered. */
function occasions(events: readonly Event[]): string[] {
  const isGranted = events.some(({ type }) => type === 'grant.used');
  return events.flatMap(({ type }) => (isGranted && type === 'hold.opened' ? [] : (NOTIFIED_STEPS[type] ?? [])));
}
