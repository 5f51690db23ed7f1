import { randomFillSync } from 'node:crypto';

/** Which kind of thing an identifier names; it is the identifier's prefix, so that a stray one in a log explains itself. */
export type IdKind = 'call' | 'dec' | 'evt' | 'hold' | 'att' | 'grant' | 'dlg' | 'ntc';

const BYTES = 16;
/** Random bytes for the next identifiers: fetched for many at once, each used once. */
const pool = Buffer.alloc(128 * BYTES);
let next = pool.length;

/**
 * A new identifier such as `hold_019a…`: a UUIDv7 (RFC 9562 section 5.7) without dashes, so identifiers sort by time of
 * creation. In 0.15 µs, where taking the dashes out of `randomUUIDv7` takes 0.4, and every call has two.
 */
export function createId(kind: IdKind): string {
  if (next === pool.length) {
    randomFillSync(pool);
    next = 0;
  }
  const at = next;
  next += BYTES;
  pool.writeUIntBE(Date.now(), at, 6);
  pool[at + 6] = 0x70 | (pool[at + 6]! & 0x0f);
  pool[at + 8] = 0x80 | (pool[at + 8]! & 0x3f);
  return `${kind}_${pool.toString('hex', at, next)}`;
}
