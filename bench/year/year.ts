import { hash } from 'node:crypto';
import type { Event } from '../../gateway/domain/event.ts';
import { agentOf, WORKS, type Work } from './agents.ts';
import { HOURS } from './calendar.ts';
import type { Claims } from './call-input.ts';
import { createTeller } from './call-story.ts';
import { FACTS, YEAR } from './facts.ts';
import { happenings, NODES } from './happenings.ts';
import type { Attempt } from './judgement.ts';
import { operationOf } from './operations.ts';
import { createRandom, type Random } from './random.ts';
import type { Story } from './story.ts';

const HOUR = 3_600_000;
/** How many events a call has in the mean of the year. */
const EVENTS_PER_CALL = 2.8;
/** Places that each change in the hold store has for its events, as in gateway/holds/store/unit-of-work.ts. */
const EVENTS_PER_CHANGE = 16;

export type YearOptions = {
  /** About so many events; at least 20,000, or some of the planted facts drown in chance. */
  readonly events: number;
  readonly seed?: number;
};

/**
 * The stories of a year's calls, in order of time. The same options tell the same stories, byte for byte. Memory does not
 * grow with their number.
 */
export function* tellYear({ events, seed = 1 }: YearOptions): Generator<Story> {
  const random = createRandom(seed);
  const tell = createTeller(random);
  const choose = chooser(WORKS, random);
  const sessions = createSessions(random);
  const planted = plant(random);
  const calls = events / EVENTS_PER_CALL;
  let due: Attempt[] = [];
  let owed = 0;

  for (const { at: from, share } of HOURS) {
    // No hour is as busy as it should be.
    owed += calls * share * random.around(1, 0.15);
    const count = Math.floor(owed);
    owed -= count;
    const to = from + HOUR;
    const attempts: Attempt[] = due.filter(({ at }) => at < to);
    due = due.filter(({ at }) => at >= to);
    const starts: { at: number; work: Work }[] = planted.filter(({ at }) => at >= from && at < to);
    for (let n = 0; n < count; n += 1) starts.push({ at: from + random.whole(HOUR), work: choose() });
    for (const { at, work } of starts.sort((a, b) => a.at - b.at)) {
      if (!isStopped(at, work)) attempts.push({ at, work, node: node(at, random), again: null, ...sessions(at, work) });
    }
    for (const attempt of attempts.sort((a, b) => a.at - b.at)) {
      const { path, id, ...story } = tell(attempt);
      const second = secondAttempt(attempt, story, random);
      if (second !== null && second < YEAR.to) due.push({ ...attempt, at: second, again: { path, id } });
      yield story;
    }
  }
}

/**
 * All events of the year in order of time, from its stories and other happenings. A story that began in the year is
 * told to its end. Only events of unfinished stories are in memory.
 */
export function* eventsOf(stories: Iterable<Story>, seed = 1): Generator<Event> {
  const buckets = new Map<number, Event[]>();
  const put = (event: Event) => {
    const hour = Math.floor(event.at / HOUR);
    const bucket = buckets.get(hour);
    if (bucket) bucket.push(event);
    else buckets.set(hour, [event]);
  };
  function* upTo(hour: number): Generator<Event> {
    for (; next < hour; next += 1) {
      const bucket = buckets.get(next);
      if (!bucket) continue;
      buckets.delete(next);
      for (const event of bucket.sort((a, b) => a.at - b.at)) yield event.event_id === '' ? named(event) : event;
    }
  }
  const named = namer();
  let next = Math.floor(YEAR.from / HOUR);
  happenings(createRandom(seed + 1)).forEach(put);
  for (const story of stories) {
    yield* upTo(Math.floor(story.at / HOUR));
    story.events.forEach(put);
  }
  yield* upTo(Math.max(...buckets.keys()) + 1);
}

/** Names steps of holds as the hold store does, after their places among all of them. */
function namer(): (event: Event) => Event {
  let [change, place, before] = [0, 0, ''];
  return (event) => {
    const { hold_id = '', at } = event;
    const same = `${hold_id} ${at}`;
    if (same !== before) [change, place, before] = [change + 1, 0, same];
    const seq = change * EVENTS_PER_CHANGE + place;
    place += 1;
    return { ...event, event_id: `evt_${hold_id.slice('hold_'.length)}s${seq.toString(36)}` };
  };
}

const { drifting, outage, brokenPolicy, storeAway, suspension } = FACTS;

/** Calls that are made whatever the year's size, so that planted facts are in the smallest. */
function plant(random: Random): readonly { readonly at: number; readonly work: Work }[] {
  const planted: { at: number; work: Work }[] = [];
  const add = (count: number, { from, to }: { from: number; to: number }, work: () => Work) => {
    for (let n = 0; n < count; n += 1) planted.push({ at: from + random.whole(to - from), work: work() });
  };
  // Every operation of an agent also happens in January: only the drifting agent starts one later.
  const january = { from: YEAR.from + 6 * 24 * HOUR, to: YEAR.from + 9 * 24 * HOUR };
  for (const work of WORKS) add(1, january, () => work);
  const agent = agentOf(drifting.agent);
  for (const { system, operation } of drifting.operations)
    add(25, { from: drifting.from + HOUR, to: suspension.at }, () => ({
      agent,
      operation: operationOf(`${system}/${operation}`),
      weight: 0,
    }));
  add(25, outage, () => random.pick(WORKS.filter(({ operation }) => operation.system === outage.system)));
  add(25, brokenPolicy, () => random.pick(WORKS));
  add(15, storeAway, () =>
    random.pick(WORKS.filter(({ operation }) => operation.name === 'mergePull' || operation.name === 'matchInvoice')),
  );
  return planted;
}

const isStopped = (at: number, { agent }: Work) => agent.id === suspension.agent && at >= suspension.at;

/** The third gateway came with the growth. */
const node = (at: number, random: Random) => NODES[random.whole(at < YEAR.from + 150 * 24 * HOUR ? 2 : 3)]!;

/** When the agent tries once more, having done what a person asked for. */
function secondAttempt(first: Attempt, { hold }: Story, random: Random): number | null {
  if (first.again !== null || hold?.status !== 'rejected' || random.next() >= 0.3) return null;
  return hold.decidedAt + HOUR + random.whole(HOUR);
}

function chooser(works: readonly Work[], random: Random): () => Work {
  const sum = works.reduce((total, { weight }) => total + weight, 0);
  // One entry for each ten-thousandth and more: choosing is a look into a list.
  const table = works.flatMap((work) => Array.from({ length: Math.round((work.weight / sum) * 20_000) }, () => work));
  return () => random.pick(table);
}

/**
 * The session and task of a call. An agent does a few things for one task, and never one of them twice; so the same
 * thing twice for one task is a second attempt.
 */
function createSessions(random: Random): (at: number, work: Work) => { claims: Claims; traceId: string | null } {
  type Session = { id: string; task: string; traceId: string | null; until: number; done: Set<string> };
  const open = new Map<string, Session>();
  let tasks = 0;
  return (at, { agent, operation }) => {
    let session = open.get(agent.id);
    if (!session || at >= session.until || session.done.has(operation.name) || session.done.size > 5) {
      tasks += 1;
      session = {
        id: hash('md5', `${agent.id} ${tasks}`).slice(0, 16),
        task: `T-${(10_000 + tasks).toString()}`,
        traceId: agent.traced ? random.hex(32) : null,
        until: at + HOUR / 2,
        done: new Set(),
      };
      open.set(agent.id, session);
    }
    session.done.add(operation.name);
    const confidence = agent.confident && operation.method !== 'GET' ? (86 + random.whole(14)) / 100 : null;
    return { claims: { session: session.id, task: session.task, confidence }, traceId: session.traceId };
  };
}
