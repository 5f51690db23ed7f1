import { EVENT_FIELDS, EVENT_VERSION, type Event, type EventField, type FieldKind } from './event.ts';

type Writer = { readonly name: EventField; readonly prefix: string; readonly kind: FieldKind };

const WRITERS: readonly Writer[] = Object.entries(EVENT_FIELDS).map(([name, { kind }]) => ({
  name: name as EventField,
  prefix: `${JSON.stringify(name)}:`,
  kind,
}));

/**
 * An event as one line of JSON, without a newline: members in the order of `EVENT_FIELDS`, those that are empty left out.
 * So a row of `holdpoint.events` can be written down again byte for byte, which is what the ledger's proofs rest on.
 *
 * Half a surrogate pair, which UTF-8 cannot carry, becomes U+FFFD. Times, sizes and counts are
 * whole and not negative; numbers that are none (NaN, infinities) are left out.
 */
export function eventLine(event: Event): string {
  let line = '';
  for (const { name, prefix, kind } of WRITERS) {
    const value = name === 'version' ? (event.version ?? EVENT_VERSION) : event[name];
    if (value === undefined) continue;
    const text = written(value, kind);
    if (text === '') continue;
    line += `${line === '' ? '{' : ','}${prefix}${text}`;
  }
  return `${line}}`;
}

function written(value: string | number | readonly string[], kind: FieldKind): string {
  if (typeof value === 'string') return value === '' ? '' : JSON.stringify(value.toWellFormed());
  if (typeof value === 'number') {
    const number = kind === 'amount' || kind === 'share' ? value : Math.max(0, Math.round(value));
    return !Number.isFinite(number) || (number === 0 && kind !== 'share') ? '' : String(number);
  }
  return value.length === 0 ? '' : `[${value.map((each) => JSON.stringify(each.toWellFormed())).join(',')}]`;
}
