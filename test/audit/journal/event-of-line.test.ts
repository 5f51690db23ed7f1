import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { eventLine } from '../../../audit/journal/event-line.ts';
import { eventOfLine } from '../../../audit/journal/event-of-line.ts';
import type { Event } from '../../../gateway/domain/event.ts';
import { event } from '../events.ts';
import { brokenInputs, lineInputs } from '../inputs.ts';

const text = fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('"input":{}', ',"masked":["', '"}'));
/** Members before and after the input, with texts that look like them. */
const around = fc.record(
  { reason: text, flags: fc.array(text), masked: fc.array(text), trace_id: text, version: fc.constantFrom(1, 2) },
  { requiredKeys: [] },
);

describe('the event of a line', () => {
  it('the event of a line has the input that was recorded, byte for byte, in both versions', () => {
    fc.assert(
      fc.property(around, fc.oneof(lineInputs, brokenInputs), (more, input) => {
        const line = eventLine(event(1, { ...more, input }));
        expect(eventOfLine(line).input).toBe(input.toWellFormed());
        expect(eventLine(eventOfLine(line))).toBe(line);
      }),
      { numRuns: 2000 },
    );
  });

  it('the event of a line without an input has none', () => {
    const line = eventLine(event(1, { input: '', masked: ['!too-large'] }));
    expect(eventOfLine(line)).toEqual({ ...event(1), version: 2, masked: ['!too-large'] });
  });

  it('the input of a line is read as text or as JSON, and only JSON on one line is written so', () => {
    const lineOf = (input: string, version?: number) =>
      eventLine({ event_id: 'evt_1', ...(version !== undefined && { version }), input } as Event);
    for (const [input, version, line] of [
      ['{"a": 1.00}', undefined, '{"event_id":"evt_1","version":2,"input":{"a": 1.00}}'],
      ['{"a": 1.00}', 1, '{"event_id":"evt_1","version":1,"input":"{\\"a\\": 1.00}"}'],
      ['{"a":\n1}', undefined, '{"event_id":"evt_1","version":2,"input":"{\\"a\\":\\n1}"}'],
      ['{"a":\r1}', undefined, '{"event_id":"evt_1","version":2,"input":"{\\"a\\":\\r1}"}'],
      ['"{}"', undefined, '{"event_id":"evt_1","version":2,"input":"\\"{}\\""}'],
      ['[{}]', undefined, '{"event_id":"evt_1","version":2,"input":"[{}]"}'],
      ['{}{}', undefined, '{"event_id":"evt_1","version":1,"input":"{}{}"}'],
      ['{"a":1},"agent":{}', undefined, '{"event_id":"evt_1","version":1,"input":"{\\"a\\":1},\\"agent\\":{}"}'],
    ] as const) {
      expect(lineOf(input, version)).toBe(line);
      expect(eventOfLine(line).input).toBe(input);
    }
  });
});
