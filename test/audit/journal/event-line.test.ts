import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EVENT_FIELDS, type Event, type FieldKind } from '../../../gateway/domain/event.ts';
import { eventLine } from '../../../audit/journal/event-line.ts';
import { eventOfLine } from '../../../audit/journal/event-of-line.ts';
import { brokenInputs, lineInputs } from '../inputs.ts';

const text = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.constantFrom('', 'plain', '\ud800', 'a\\udb', '"/\\', '\u2028'),
);
const values: { readonly [Kind in FieldKind]: fc.Arbitrary<unknown> } = {
  id: text,
  name: text,
  text,
  json: fc.oneof(text, lineInputs, brokenInputs),
  names: fc.array(text, { maxLength: 3 }),
  time: fc.oneof(fc.nat(), fc.double()),
  small: fc.oneof(fc.nat(65_535), fc.constantFrom(-1, 0.5)),
  count: fc.oneof(fc.nat(), fc.double()),
  amount: fc.double(),
  share: fc.oneof(fc.double(), fc.constantFrom(0, -0)),
};
const members = Object.fromEntries(Object.entries(EVENT_FIELDS).map(([name, { kind }]) => [name, values[kind]]));
const events = fc.record(
  { ...members, version: fc.constantFrom(1, 2) },
  { requiredKeys: [] },
) as unknown as fc.Arbitrary<Event>;

describe('the line of an event', () => {
  it('the line of an event does not depend on the order of its members', () => {
    fc.assert(
      fc.property(events, fc.infiniteStream(fc.nat()), (event, dice) => {
        const shuffled = Object.entries(event)
          .map((member) => [dice.next().value!, member] as const)
          .toSorted(([a], [b]) => a - b)
          .map(([, member]) => member);
        expect(eventLine(Object.fromEntries(shuffled) as Event)).toBe(eventLine(event));
      }),
    );
  });

  it('the line of an event gives the event back, and the same line again', () => {
    fc.assert(
      fc.property(events, (event) => {
        const line = eventLine(event);
        expect(line).not.toContain('\n');
        expect(Buffer.from(line).toString()).toBe(line);
        expect(eventLine(eventOfLine(line))).toBe(line);
      }),
    );
  });

  it('the line of an event has its members in the order of the list, without empty or unknown ones', () => {
    fc.assert(
      fc.property(events, (event) => {
        const names = Object.keys(JSON.parse(eventLine({ ...event, stray: 1 } as Event)) as object);
        expect(names).toEqual(Object.keys(EVENT_FIELDS).filter((name) => names.includes(name)));
        for (const [name, value] of Object.entries(JSON.parse(eventLine(event)) as object)) {
          const isZero = value === 0 && EVENT_FIELDS[name as keyof typeof EVENT_FIELDS].kind !== 'share';
          expect(value === '' || isZero || (Array.isArray(value) && value.length === 0)).toBe(false);
        }
      }),
    );
  });
});
