import type { IdKind } from '../../gateway/domain/id.ts';
import type { Random } from './random.ts';

/** As `createId` (gateway/domain/id.ts) makes them, a UUIDv7 without dashes, from the year's own time and chance. */
export function id(random: Random, kind: IdKind, at: number): string {
  return `${kind}_${uuid(random, at)}`;
}

export function uuid(random: Random, at: number): string {
  return `${at.toString(16).padStart(12, '0')}7${random.hex(4).slice(1)}${'89ab'[random.whole(4)]}${random.hex(16).slice(1)}`;
}
