import { randomUUIDv7 } from 'node:crypto';

/** Which kind of thing an identifier names; it is the identifier's prefix, so that a stray one in a log explains itself. */
export type IdKind = 'call' | 'dec' | 'evt' | 'hold' | 'att' | 'grant' | 'dlg' | 'ntc';

/** A new identifier such as `hold_019a…`: a UUIDv7 (RFC 9562) without dashes, so identifiers sort by time of creation. */
export function createId(kind: IdKind): string {
  const uuid = randomUUIDv7();
  // In pieces, as `replaceAll` takes longer than the random numbers.
  return `${kind}_${uuid.slice(0, 8)}${uuid.slice(9, 13)}${uuid.slice(14, 18)}${uuid.slice(19, 23)}${uuid.slice(24)}`;
}
