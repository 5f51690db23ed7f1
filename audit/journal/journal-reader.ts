import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { syncDirectory, writeDurably } from './durable-file.ts';
import { listSegments, segmentPath } from './segment.ts';
import { framesOf, type Expected, type Placed } from './segment-reader.ts';

/** A part of a journal that cannot be read. Its bytes stay in place, and a copy is kept in `damaged/`. */
export type Damage = {
  readonly dir: string;
  readonly segment: number;
  readonly offset: number;
  /** 0 where no byte is left of the missing events. */
  readonly bytes: number;
  /**
   * `torn`: the unfinished write of a killed process, which was never promised. `corrupt`: anything else.
   */
  readonly kind: 'torn' | 'corrupt';
  /**
   * Numbers of the missing events, both inclusive; `last` is null when their number is not known. Null when no event is
   * missing.
   */
  readonly missing: { readonly chain: string; readonly first: number; readonly last: number | null } | null;
};

export const DAMAGED = 'damaged';

/** Keeps the bytes of a damage as `damaged/<segment>-<offset>.<kind>`, for later analysis. */
export async function setAside({ dir, segment, offset, kind }: Damage, bytes: Buffer): Promise<void> {
  const aside = join(dir, DAMAGED);
  const path = join(aside, `${String(segment).padStart(10, '0')}-${offset}.${kind}`);
  if (existsSync(path)) return;
  await mkdir(aside, { recursive: true, mode: 0o700 });
  await syncDirectory(dir);
  await writeDurably(path, bytes);
}

/** The first whole frame of the segments after `segment`, which continues their chain. Null when there is none. */
export async function nextFrame(dir: string, segment: number): Promise<Placed | null> {
  for (const number of await listSegments(dir)) {
    if (number <= segment) continue;
    for await (const item of framesOf(segmentPath(dir, number))) if (item.kind !== 'hole') return item;
  }
  return null;
}

/** Whether the events were given up when the disk failed: the next segment gives their numbers to others. */
export function isVoid(item: Placed, next: Placed | null): boolean {
  return next !== null && item.events > 0 && item.chain === next.chain && item.first >= next.first;
}

/** What follows the last whole frame of a segment; null when it has none. */
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
