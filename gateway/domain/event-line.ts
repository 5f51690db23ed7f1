import { EVENT_FIELDS, EVENT_VERSION, type Event } from './event.ts';

/** What stands before each member's value, and whether it is a number that may have a fraction. */
const WRITERS = Object.entries(EVENT_FIELDS).map(([name, { kind }]) => ({
  prefix: `,${JSON.stringify(name)}:`,
  isFraction: kind === 'amount' || kind === 'share',
  /** Where absent and 0 differ. */
  keepsZero: kind === 'share',
}));

const RANKS: ReadonlyMap<string, number> = new Map(Object.keys(EVENT_FIELDS).map((name, rank) => [name, rank]));
const VERSION = RANKS.get('version')!;

/** Text that stands in JSON as it is. Everything else is left to JSON.stringify. */
const PLAIN = /^[ !#-[\]-~]*$/;

/** One event's members by their ranks: filled and emptied within one call, as looking up each field costs twice as much. */
const slots: unknown[] = Array.from<unknown>({ length: WRITERS.length }).fill(undefined);

/**
 * An event as one line of JSON, without a newline: members in the order of `EVENT_FIELDS`, those that are empty left out.
 * So a row of `holdpoint.events` can be written down again byte for byte, which is what the ledger's proofs rest on.
 * Members that are not on the list are left out too.
 *
 * Half a surrogate pair, which UTF-8 cannot carry, becomes U+FFFD. Times, sizes and counts are whole and not negative;
 * numbers that are none (NaN, infinities) are left out.
 */
export function eventLine(event: Event): string {
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
      if (value !== '') line += prefix + text(value);
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
