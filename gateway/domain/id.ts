import { randomFillSync } from 'node:crypto';

/** The kind of an identifier, and its prefix, so that an identifier in a log explains itself. */
export type IdKind = 'call' | 'dec' | 'evt' | 'hold' | 'att' | 'grant' | 'dlg' | 'ntc' | 'task' | 'sess';

const BYTES = 16;
/** Random bytes, fetched for many identifiers at once. Each byte is used once. */
const pool = Buffer.alloc(128 * BYTES);
let next = pool.length;

/** The millisecond of the last identifier, and how many came before it in that millisecond. */
let millisecond = 0;
let counter = 0;

/**
 * A new identifier such as `hold_019a…`: a UUIDv7 (RFC 9562 section 5.7) without dashes. Identifiers sort by time of
 * creation, and those of one process by their order, up to 4,096 in a millisecond (`rand_a` counts, section 6.2). Written
 * by hand, as every call needs two and removing the dashes from `randomUUIDv7` is slower.
 */
export function createId(kind: IdKind): string {
  if (next === pool.length) {
    randomFillSync(pool);
    next = 0;
  }
  const at = next;
  next += BYTES;
  const now = Date.now();
  counter = now === millisecond ? counter + 1 : 0;
  millisecond = now;
  pool.writeUIntBE(now, at, 6);
  pool[at + 6] = 0x70 | ((counter >> 8) & 0x0f);
  pool[at + 7] = counter;
  pool[at + 8] = 0x80 | (pool[at + 8]! & 0x3f);
  return `${kind}_${pool.toString('hex', at, next)}`;
}

/** Whether a text has the form of an identifier of this kind. */
export function isId(kind: IdKind, text: string): boolean {
  return text.startsWith(`${kind}_`) && /^[0-9a-f]{32}$/.test(text.slice(kind.length + 1));
}

/** When an identifier was created: milliseconds since the epoch. */
export function createdAt(id: string): number {
  return Number.parseInt(id.slice(id.indexOf('_') + 1, id.indexOf('_') + 13), 16);
}

/** No identifier of this kind that was created at `at` (milliseconds since the epoch) or later sorts before this text. */
export function firstIdSince(kind: IdKind, at: number): string {
  return `${kind}_${Math.max(0, at).toString(16).padStart(12, '0')}`;
}
