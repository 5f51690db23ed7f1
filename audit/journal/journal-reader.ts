import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { syncDirectory, writeDurably } from './durable-file.ts';
import { listSegments, segmentPath } from './segment.ts';
import { framesOf, type Expected, type Placed } from './segment-reader.ts';

/** A part of a journal that cannot be read. Its bytes stay where they are, and a copy is kept in `damaged/`. */
export type Damage = {
  readonly dir: string;
  readonly segment: number;
  readonly offset: number;
  /** 0 where nothing is left of what is missing. */
  readonly bytes: number;
  /**
   * `torn`: an unfinished write at the end of what a process wrote that was killed; it was never promised to anyone.
   * `corrupt`: anything else.
   */
  readonly kind: 'torn' | 'corrupt';
  /**
   * Numbers of the events that are gone, both included; `last` is null when it is not known how many there were. Null as a
   * whole when no event is missing.
   */
  readonly missing: { readonly chain: string; readonly first: number; readonly last: number | null } | null;
};

export const DAMAGED = 'damaged';

/** Keeps the bytes of a damage as `damaged/<segment>-<offset>.<kind>`, for whoever can make sense of them. */
export async function setAside({ dir, segment, offset, kind }: Damage, bytes: Buffer): Promise<void> {
  const aside = join(dir, DAMAGED);
  const path = join(aside, `${String(segment).padStart(10, '0')}-${offset}.${kind}`);
  if (existsSync(path)) return;
  await mkdir(aside, { recursive: true, mode: 0o700 });
  await syncDirectory(dir);
  await writeDurably(path, bytes);
}

/** The first whole frame of the segments behind `segment`: where their chain goes on. Null when there is none. */
export async function nextFrame(dir: string, segment: number): Promise<Placed | null> {
  for (const number of await listSegments(dir)) {
    if (number <= segment) continue;
    for await (const item of framesOf(segmentPath(dir, number))) if (item.kind !== 'hole') return item;
  }
  return null;
}

/** Events that were given up with a failing disk: their numbers were given to others, in the segment behind. */
export function isVoid(item: Placed, behind: Placed | null): boolean {
  return behind !== null && item.events > 0 && item.chain === behind.chain && item.first >= behind.first;
}

/** What comes behind the last whole frame of a segment; null when it has none. */
export async function endOf(
  path: string,
  options: { from?: number; expected?: Expected | null } = {},
): Promise<(Expected & { readonly end: number }) | null> {
  let last: (Expected & { readonly end: number }) | null = null;
  for await (const item of framesOf(path, options)) {
    if (item.kind !== 'hole') last = { chain: item.chain, next: item.first + item.events, end: item.end };
  }
  return last;
}
