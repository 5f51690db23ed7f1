import { EVENT_FIELDS, type Event } from '../../gateway/domain/event.ts';

type Cell = string | number | null | readonly string[];

/** A row of `holdpoint.events` as `ROW_COLUMNS` selects it, in the format JSONEachRow. */
export type EventRow = Readonly<Record<string, Cell>>;

/** The columns that a row is read back from, for a SELECT. */
export const ROW_COLUMNS = Object.entries(EVENT_FIELDS)
  .map(([name, { kind }]) => (kind === 'time' ? `toUnixTimestamp64Milli(${name}) AS ${name}_ms` : name))
  .join(', ');

/** The event of a row. Empty columns were absent members. */
export function eventOfRow(row: EventRow): Event {
  const members = Object.entries(EVENT_FIELDS).map(([name, { kind }]) => {
    const cell = row[kind === 'time' ? `${name}_ms` : name];
    switch (kind) {
      // Whole numbers of 64 bits come as text, so that no parser rounds them.
      case 'time':
      case 'small':
      case 'count':
      case 'amount':
        return [name, Number(cell)];
      case 'share':
        return [name, cell ?? undefined];
      default:
        return [name, cell];
    }
  });
  return Object.fromEntries(members) as Event;
}
