import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { asEvent, dataOf, EventSplitter, withData } from '../../../gateway/mcp/event-splitter.ts';

const line = fc.constantFrom('data: x', 'data:y', 'data', 'id: 1', 'retry: 5', ': comment', 'event: message', '', '');
const stream = fc
  .array(fc.tuple(line, fc.constantFrom('\n', '\r', '\r\n')), { maxLength: 30 })
  .map((lines) => lines.flat().join(''));

/** Events as the standard reads them, from the whole text. */
function dataIn(text: string): string[] {
  return text
    .replaceAll(/\r\n|\r/g, '\n')
    .split(/(?<=^|\n)\n/)
    .flatMap((event, i, all) => (i < all.length - 1 ? [dataOf(Buffer.from(event))] : []))
    .filter((data) => data !== null);
}

test('a stream that is cut into events, however it arrives, is the same stream with the same data', () => {
  fc.assert(
    fc.property(stream, fc.array(fc.nat({ max: 40 }), { maxLength: 12 }), (text, cuts) => {
      const bytes = Buffer.from(text);
      const splitter = new EventSplitter();
      const events: Buffer[] = [];
      let from = 0;
      for (const cut of [...cuts.toSorted((a, b) => a - b).filter((at) => at < bytes.length), bytes.length]) {
        events.push(...splitter.push(bytes.subarray(from, cut)));
        from = cut;
      }
      const data = events.map(dataOf).filter((each) => each !== null);
      expect(data).toEqual(dataIn(text));
      expect(Buffer.concat([...events, splitter.flush()]).toString()).toBe(text);
    }),
    { numRuns: 3000 },
  );
});

test('an event with other data keeps its other fields', () => {
  const event = Buffer.from('id: 7\r\nevent: message\r\ndata: a\r\ndata: b\r\n\r\n');
  expect(withData(event, 'c').toString()).toBe('id: 7\nevent: message\ndata: c\n\n');
});

test('a message over several lines, or with separators that are no line breaks of a stream, is one event with its data', () => {
  const json = '{"a":1,\r\n"b":"x\u2028y\u2029z",\n"c":2}';
  expect(dataOf(asEvent(json))).toBe(json.replace('\r\n', '\n'));
  expect(new EventSplitter().push(asEvent(json))).toHaveLength(1);
});
