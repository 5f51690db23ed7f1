import { EVENT_FIELDS, type Event, type EventField } from '../../gateway/domain/event.ts';

const OPENING = '"input":';
const FIELDS = Object.keys(EVENT_FIELDS) as EventField[];
const AFTER_INPUT = FIELDS.slice(FIELDS.indexOf('input') + 1);

/**
 * The event of a line of any version. Its `input` is the text that was recorded, with its white space and every digit of its
 * numbers: parsing and writing it again would lose both.
 * @param line as `eventLine` writes it
 * @throws SyntaxError
 */
export function eventOfLine(line: string): Event {
  const event = JSON.parse(line) as Event;
  return typeof event.input === 'object' ? { ...event, input: rawInput(line, event) } : event;
}

/**
 * The members around the input are texts, numbers and lists of texts. A quote within a text is escaped, so outside the input
 * the name of a member, its quotes and its colon occur once.
 */
function rawInput(line: string, event: Event): string {
  const start = line.indexOf(OPENING) + OPENING.length;
  const next = AFTER_INPUT.find((name) => event[name] !== undefined);
  return line.slice(start, next === undefined ? line.lastIndexOf('}') : line.lastIndexOf(`,"${next}":`));
}
