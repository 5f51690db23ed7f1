import { EVENT_FIELDS, EVENT_TYPES, FAILURES, type Event, type EventField } from '../../gateway/domain/event.ts';
import { eventLine } from '../../audit/journal/event-line.ts';

/** The differences between a recorded event and the list of events: missing members, unknown members, a wrong layer. */
export function problemsOf(event: Event): string[] {
  const written = JSON.parse(eventLine(event)) as Record<string, unknown>;
  const kind = EVENT_TYPES[event.type];
  if (kind === undefined) return [`${event.type} is not on the list`];
  const has: readonly EventField[] = kind.has;
  const known = new Set<string>([...has, ...kind.may]);
  const layers: readonly string[] = typeof kind.layer === 'string' ? [kind.layer] : kind.layer;
  const problems = [
    ...has.filter((name) => !(name in written)).map((name) => `misses ${name}`),
    // The event before encoding is checked too: a member without a column is not written.
    ...Object.keys({ ...event, ...written })
      .filter((name) => !known.has(name) && (name in written || !(name in EVENT_FIELDS)))
      .map((name) => `has ${name}`),
    ...(layers.includes(event.layer) ? [] : [`is of layer ${event.layer}`]),
    ...(event.failure === undefined || event.failure in FAILURES ? [] : [`has the failure ${event.failure}`]),
  ];
  return problems.map((problem) => `${event.type} ${problem}: ${eventLine(event)}`);
}

/** @throws Error with everything that the events have against the list */
export function assertOnList(events: readonly Event[]): void {
  const problems = [...new Set(events.flatMap(problemsOf))];
  if (problems.length > 0) throw new Error(`events are not as gateway/domain/event.ts says:\n${problems.join('\n')}`);
}
