import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';

/**
 * A segment is a run of records. A record is the payload's length (u32, little endian), its checksum (u32, little
 * endian) and the payload: one event as a line of JSON, without the newline.
 */
export const HEADER_BYTES = 8;

/** The largest payload. A length beyond it is damage, not a record. */
export const RECORD_LIMIT = 1024 * 1024;

const NAME = /^(\d{10})\.journal$/;

/**
 * CRC-32 of the payload, seeded with its length so that a flipped length is found even where the bytes that it now
 * covers happen to be whole.
 */
export function checksum(payload: Buffer): number {
  return crc32(payload, payload.length);
}

export function segmentPath(dir: string, segment: number): string {
  return join(dir, `${String(segment).padStart(10, '0')}.journal`);
}

/** The number in a segment's file name, or null for any other file. */
export function segmentNumber(name: string): number | null {
  const match = NAME.exec(name);
  return match ? Number(match[1]) : null;
}

/** Numbers of the segments in `dir`, ascending. All but the last are sealed: nothing is ever written to them again. */
export async function listSegments(dir: string): Promise<number[]> {
  const names = await readdir(dir);
  return names
    .map(segmentNumber)
    .filter((segment) => segment !== null)
    .sort((a, b) => a - b);
}
