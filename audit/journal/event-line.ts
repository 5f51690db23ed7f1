import { EVENT_FIELDS, EVENT_VERSION, type Event } from '../../gateway/domain/event.ts';
import { isRawInput, RAW_INPUT_SINCE } from '../../gateway/domain/raw-input.ts';

/** The text before each member's value, and whether it is a number that may have a fraction. */
const WRITERS = Object.entries(EVENT_FIELDS).map(([name, { kind }]) => ({
  prefix: `,${JSON.stringify(name)}:`,
  isFraction: kind === 'amount' || kind === 'share',
  /** Absent and 0 differ. */
  keepsZero: kind === 'share',
}));

const RANKS: ReadonlyMap<string, number> = new Map(Object.keys(EVENT_FIELDS).map((name, rank) => [name, rank]));
const VERSION = RANKS.get('version')!;
const INPUT = RANKS.get('input')!;

/** Text that needs no escapes in JSON. JSON.stringify writes everything else. */
const PLAIN = /^[ !#-[\]-~]*$/;

/** One event's members by rank: filled and emptied within one call, which is cheaper than a look-up of each field. */
const slots: unknown[] = Array.from<unknown>({ length: WRITERS.length }).fill(undefined);

/**
 * An event as one line of JSON, without a newline: its members in the order of `EVENT_FIELDS`, without empty or unknown
 * ones. So a row of `holdpoint.events` can be written as its line again, byte for byte; the ledger's proofs rest on that.
 *
 * `input` is JSON in it, or a quoted text: see `isRawInput`. The form follows from version and input alone. So an event
 * with an input that only looks like JSON, which would spoil its line, is written in the last version that quoted all.
 *
 * Half a surrogate pair, which UTF-8 cannot carry, becomes U+FFFD. Times, sizes and counts are whole and not negative;
 * NaN and infinities are left out.
 */
export function eventLine(event: Event): string {
  const { input = '', version = EVENT_VERSION } = event;
  if (version >= RAW_INPUT_SINCE && isRawInput(input))
    return isJson(input) ? ordered(event, INPUT) : eventLine({ ...event, version: RAW_INPUT_SINCE - 1 });
  if (isInOrder(event)) {
    const line = JSON.stringify(event);
    if (!line.includes(HALF_A_PAIR)) return line;
  }
  return ordered(event);
}

/** How JSON.stringify writes half a surrogate pair. Some other text matches too, which does no harm. */
const HALF_A_PAIR = '\\ud';

/** Whether the event has the order and the members of its line. Then one call writes it, in half the time. */
function isInOrder(event: Event): boolean {
  if (event.version === undefined) return false;
  let before = -1;
  for (const name in event) {
    const value: unknown = event[name as keyof Event];
    if (value === undefined) continue;
    const rank = RANKS.get(name) ?? -1;
    if (rank <= before) return false;
    before = rank;
    if (typeof value === 'string' ? value === '' : typeof value === 'number' ? !isPlain(value, rank) : isEmpty(value)) {
      return false;
    }
  }
  return true;
}

function isPlain(value: number, rank: number): boolean {
  const { isFraction, keepsZero } = WRITERS[rank]!;
  if (value === 0) return keepsZero;
  return isFraction ? Number.isFinite(value) : value > 0 && Number.isInteger(value);
}

function isEmpty(value: unknown): boolean {
  return !Array.isArray(value) || value.length === 0;
}

function isJson(input: string): boolean {
  try {
    JSON.parse(input);
    return true;
  } catch {
    return false;
  }
}

/** @param raw the member that is written as it is */
function ordered(event: Event, raw = -1): string {
  for (const name in event) {
    const rank = RANKS.get(name);
    if (rank !== undefined) slots[rank] = event[name as keyof Event];
  }
  slots[VERSION] ??= EVENT_VERSION;
  let line = '';
  for (let rank = 0; rank < slots.length; rank++) {
    const value = slots[rank];
    if (value === undefined) continue;
    slots[rank] = undefined;
    const { prefix, isFraction, keepsZero } = WRITERS[rank]!;
    if (typeof value === 'string') {
      if (value !== '') line += prefix + (rank === raw ? value.toWellFormed() : text(value));
    } else if (typeof value === 'number') {
      const number = isFraction ? value : Math.max(0, Math.round(value));
      if (Number.isFinite(number) && (number !== 0 || keepsZero))
        line += prefix + (number === 0 ? '0' : String(number));
    } else if (Array.isArray(value) && value.length > 0) {
      line += `${prefix}[${(value as readonly string[]).map(text).join(',')}]`;
    }
  }
  return `{${line.slice(1)}}`;
}

function text(value: string): string {
  return PLAIN.test(value) ? `"${value}"` : JSON.stringify(value.toWellFormed());
}
