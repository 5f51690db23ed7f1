import { randomUUIDv7 } from 'node:crypto';

/** Which kind of thing an identifier names; it is the identifier's prefix, so that a stray one in a log explains itself. */
export type IdKind = 'call' | 'dec' | 'evt' | 'hold' | 'att' | 'grant' | 'dlg' | 'ntc';

/** A new identifier such as `hold_019a…`: a UUIDv7 (RFC 9562) without dashes, so identifiers sort by time of creation. */
export function createId(kind: IdKind): string {
  return `${kind}_${randomUUIDv7().replaceAll('-', '')}`;
}
