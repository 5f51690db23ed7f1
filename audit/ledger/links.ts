import type { KeyObject } from 'node:crypto';
import { headOf, isSigned, START, type Checkpoint } from './ledger.ts';
import type { Break } from '../../gateway/domain/verification.ts';

/** The trusted public keys, by name; see `keyId`. */
export type Keys = ReadonlyMap<string, KeyObject>;

/**
 * Checks that the checkpoints of one chain, in order, link to each other and are signed with known keys. A signature covers
 * all before it, so only the last of an unbroken run is checked: a signature takes as long as a hundred hashes.
 * @param whole whether the first of them must be the chain's first
 */
export function linkBreaks(checkpoints: readonly Checkpoint[], keys: Keys, whole: boolean): readonly Break[] {
  const found: Break[] = [];
  let before: Checkpoint | null = null;
  for (const next of checkpoints) {
    if (before || whole) {
      const { seq, link } = before ? headOf(before) : START;
      if (next.first !== seq + 1) found.push(unlinked(next, seq, `the one before it ends at ${seq}`));
      else if (next.prev !== link) found.push(unlinked(next, seq, 'it was made after another one'));
    }
    if (before && (found.length > 0 || next.key !== before.key)) found.push(...signatureBreaks(before, keys));
    before = next;
  }
  return before ? [...found, ...signatureBreaks(before, keys)] : found;
}

function signatureBreaks(checkpoint: Checkpoint, keys: Keys): readonly Break[] {
  const { chain, first, seq, key } = checkpoint;
  const known = keys.get(key);
  if (known && isSigned(checkpoint, known)) return [];
  const what = known ? 'its signature is not that of the key' : 'the key is not one of those given';
  const detail = `the checkpoint at ${seq} cannot be trusted: ${what} (${key})`;
  return [{ chain, kind: 'forged', first, last: seq, event: null, detail }];
}

function unlinked({ chain, seq }: Checkpoint, before: number, why: string): Break {
  const detail = `the checkpoint at ${seq} does not follow: ${why}`;
  return { chain, kind: 'unlinked', first: before + 1, last: seq, event: null, detail };
}
