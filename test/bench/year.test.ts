import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { dateOf } from '../../bench/year/calendar.ts';
import { FACTS, YEAR } from '../../bench/year/facts.ts';
import type { Story } from '../../bench/year/story.ts';
import { eventsOf, tellYear } from '../../bench/year/year.ts';
import { eventLine } from '../../audit/journal/event-line.ts';
import { EVENT_TYPES, type EventField } from '../../gateway/domain/event.ts';

const EVENTS = 20_000;
const stories: readonly Story[] = [...tellYear({ events: EVENTS })];
const events = [...eventsOf(stories)];

function digest(seed: number): string {
  const hash = createHash('sha256');
  for (const event of eventsOf(tellYear({ events: EVENTS, seed }), seed)) hash.update(eventLine(event));
  return hash.digest('hex');
}

test('the same seed writes the same year byte for byte, and another seed writes another', () => {
  const first = digest(1);
  expect(digest(1)).toBe(first);
  expect(digest(2)).not.toBe(first);
});

test('the year has about as many events as requested', () => {
  expect(Math.abs(events.length / EVENTS - 1)).toBeLessThan(0.1);
});

test('every event has the fields that its type requires, and no others', () => {
  const wrong = new Set<string>();
  for (const event of events) {
    const { has, may } = EVENT_TYPES[event.type] as { has: readonly EventField[]; may: readonly EventField[] };
    for (const name of has)
      if (name !== 'version' && event[name] === undefined) wrong.add(`${event.type} lacks ${name}`);
    for (const name of Object.keys(event) as EventField[])
      if (!has.includes(name) && !may.includes(name)) wrong.add(`${event.type} has ${name}`);
  }
  expect([...wrong]).toEqual([]);
});

test('events are in order of time and have unique names', () => {
  expect(events.every(({ at }, n) => n === 0 || at >= events[n - 1]!.at)).toBe(true);
  expect(new Set(events.map(({ event_id }) => event_id)).size).toBe(events.length);
  expect(events[0]!.at).toBeGreaterThanOrEqual(YEAR.from);
});

test('inputs are JSON of a realistic size', () => {
  const sizes = events.flatMap(({ input }) => (input === undefined ? [] : [JSON.stringify(JSON.parse(input)).length]));
  expect(sizes.length).toBeGreaterThan(5_000);
  expect(Math.min(...sizes)).toBeGreaterThan(300);
  expect(Math.max(...sizes)).toBeLessThan(1_200);
});

describe.each([1, 2, 3])('the smallest year of seed %i', (seed) => {
  const told = seed === 1 ? stories : [...tellYear({ events: EVENTS, seed })];
  const count = (of: (story: Story) => boolean): number => told.filter(of).length;
  const share = (of: readonly Story[], that: (story: Story) => boolean): number => of.filter(that).length / of.length;

  test('the stories of a few hours are in the year', () => {
    const { outage, brokenPolicy, storeAway } = FACTS;
    const within = ({ at }: Story, { from, to }: { from: number; to: number }) => at >= from && at < to;
    expect(
      count((story) => within(story, outage) && story.system === outage.system && story.failure === 'system-failed'),
    ).toBeGreaterThan(15);
    expect(count((story) => within(story, brokenPolicy) && story.failure === 'policy-wrong')).toBeGreaterThan(20);
    expect(count((story) => within(story, storeAway) && story.failure === 'gateway-failed')).toBeGreaterThan(10);
    expect(count(({ trigger }) => trigger === 'fault')).toBe(count((story) => within(story, brokenPolicy)));
  });

  test('the rubber stamp decides often, quickly, and nearly always the same', () => {
    const decided = told.filter(({ hold }) => hold?.decidedBy === FACTS.rubberStamping.reviewer);
    expect(decided.length).toBeGreaterThan(120);
    expect(share(decided, ({ hold }) => hold!.status === 'approved')).toBeGreaterThan(0.985);
    expect(share(decided, ({ hold }) => hold!.decidedAt - hold!.openedAt < 5_000)).toBeGreaterThan(0.98);
  });

  test('only the drifting agent starts a new operation in the last week', () => {
    const first = new Map<string, Story>();
    for (const story of told) {
      const key = `${story.agent} ${story.system} ${story.operation}`;
      if (!first.has(key)) first.set(key, story);
    }
    const late = [...first.values()].filter(({ at }) => at >= FACTS.drifting.from);
    expect(late.map(({ system, operation }) => ({ system, operation }))).toEqual(
      expect.arrayContaining([...FACTS.drifting.operations]),
    );
    expect(new Set(late.map(({ agent }) => agent))).toEqual(new Set([FACTS.drifting.agent]));
  });

  test('the busiest day is the planned one', () => {
    const days = new Map<string, number>();
    for (const { at } of told) days.set(dateOf(at), (days.get(dateOf(at)) ?? 0) + 1);
    const [busiest] = [...days].sort(([, a], [, b]) => b - a);
    expect(busiest![0]).toBe(FACTS.busiestDay.date);
  });

  test('one operation earns autonomy and the other misses it', () => {
    const unchanged = (operation: string): number =>
      share(
        told.filter((story) => story.operation === operation && story.hold?.byPerson === true),
        ({ hold }) => hold!.status === 'approved' && hold!.edited.length === 0,
      );
    expect(unchanged(FACTS.autonomyCandidate.operation)).toBeGreaterThan(0.95);
    expect(unchanged(FACTS.noAutonomyCandidate.operation)).toBeLessThan(0.95);
  });
});
