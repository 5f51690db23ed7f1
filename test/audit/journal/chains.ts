import { createPublicKey } from 'node:crypto';
import { expect } from 'vitest';
import type { Damage } from '../../../audit/journal/journal-reader.ts';
import { createJournalSource } from '../../../audit/journal/journal-source.ts';
import { headOf, isSigned, START, type Checkpoint } from '../../../audit/ledger/ledger.ts';
import { SegmentDigest } from '../../../audit/ledger/segment-digest.ts';
import type { Batch, Source } from '../../../audit/ship/source.ts';
import { LEDGER_KEY } from '../events.ts';

export function sourceOf(dir: string, rows?: number): { source: Source; damages: Damage[] } {
  const damages: Damage[] = [];
  const onDamage = (damage: Damage) => damages.push(damage);
  return {
    source: createJournalSource({ name: 'worker-1', dir, onDamage, ...(rows === undefined ? {} : { rows }) }),
    damages,
  };
}

/** Reads a source to its end, without forgetting anything. */
export async function readAll(source: Source): Promise<Batch[]> {
  const batches: Batch[] = [];
  for (;;) {
    const batch = await source.next(batches.at(-1)?.to ?? '');
    if (batch === null) return batches;
    batches.push(batch);
  }
}

/** Every line by its chain and number. @throws when a number came twice */
export function numbered(batches: readonly Batch[]): Map<string, string> {
  const lines = new Map<string, string>();
  for (const { chain, first, rows } of batches) {
    for (const [n, row] of rows.entries()) {
      const name = `${chain} ${first + n}`;
      expect(lines.has(name), `${name} came twice`).toBe(false);
      lines.set(name, row.toString());
    }
  }
  return lines;
}

/**
 * Follows a chain from its first event through all checkpoints, with nothing but what was read.
 * @returns the number of the last event that a checkpoint vouches for
 */
export function verifyChain(batches: readonly Batch[], publicKey = createPublicKey(LEDGER_KEY)): number {
  const lines = numbered(batches);
  let head = START;
  const seen = new Set<string>();
  for (const checkpoint of batches.flatMap(({ checkpoints }) => checkpoints)) {
    if (seen.has(checkpoint.signature)) continue;
    seen.add(checkpoint.signature);
    expect(isSigned(checkpoint, publicKey)).toBe(true);
    expect(checkpoint).toMatchObject(recomputed(lines, checkpoint, new SegmentDigest(head)));
    head = headOf(checkpoint);
  }
  return head.seq;
}

function recomputed(lines: ReadonlyMap<string, string>, { chain, seq }: Checkpoint, digest: SegmentDigest) {
  for (let n = digest.seq + 1; n <= seq; n++) digest.add(Buffer.from(`${lines.get(`${chain} ${n}`)}\n`), 1);
  return digest.summary();
}
