import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

const NAME = /^(\d{10})\.journal$/;

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
