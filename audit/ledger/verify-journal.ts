import { join } from 'node:path';
import { headOf, isSigned, type Checkpoint, type Head } from './ledger.ts';
import { SegmentDigest } from './segment-digest.ts';
import { isVoid, nextFrame } from '../journal/journal-reader.ts';
import { listSegments, segmentPath } from '../journal/segment.ts';
import { framesOf, readHole, type Placed } from '../journal/segment-reader.ts';
import type { Break, BreakKind, JournalCheck } from '../../gateway/domain/verification.ts';
import type { Keys } from './links.ts';

/** The result, and where the chain stood at the beginning of each segment. */
export type VerifiedJournal = JournalCheck & { readonly heads: readonly Head[] };

/** Verifies one journal from its files alone, also while the gateway writes to it. */
export async function verifyJournal(folder: string, name: string, keys: Keys): Promise<VerifiedJournal> {
  const dir = join(folder, name);
  const check = createCheck(keys);
  const segments = await listSegments(dir);
  for (const segment of segments) {
    try {
      const following = await nextFrame(dir, segment);
      for await (const item of framesOf(segmentPath(dir, segment))) {
        if (item.kind !== 'hole' && isVoid(item, following)) break;
        if (item.kind !== 'hole') check.frame(item);
        // A torn end was never promised. In the middle, the next frame tells which events are missing.
        else if ((await readHole(segmentPath(dir, segment), item)).length > 0)
          check.hole(`${name}, segment ${segment}`);
      }
    } catch (error) {
      // Delivered and deleted while it was read: the rest is verified from its own beginning.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      check.restart();
    }
  }
  return { name, ...check.result() };
}

function createCheck(keys: Keys) {
  let chain: string | null = null;
  let digest: SegmentDigest | null = null;
  let expected: number | null = null;
  let torn: string | null = null;
  let ahead: Head | null = null;
  let verified = 0;
  const heads: Head[] = [];
  const breaks: Break[] = [];

  function broken(kind: BreakKind, first: number, last: number, detail: string): void {
    breaks.push({ chain: chain ?? '', kind, first, last, event: null, detail });
  }

  /** A segment begins with where the chain stands, followed by the checkpoint of the segment before. */
  function onHead(head: Head): void {
    heads.push(head);
    ahead = head;
    digest ??= new SegmentDigest(head);
  }

  function onCheckpoint(signed: Checkpoint): void {
    const { first, seq, prev, hash, key } = signed;
    const known = keys.get(key);
    const next = headOf(signed);
    const found = digest?.summary();
    // Of a deleted segment only the checkpoint is left, which can be compared with the head alone.
    const isAlone = digest?.empty && found?.first === seq + 1;
    if (!known || !isSigned(signed, known)) {
      const why = known ? 'its signature is not that of the key' : 'the key is not one of those given';
      broken('forged', first, seq, `the checkpoint at ${seq} cannot be trusted: ${why} (${key})`);
    } else if (ahead !== null && (ahead.seq !== next.seq || ahead.link !== next.link)) {
      broken('unlinked', first, seq, `the segment after event ${seq} does not continue from its checkpoint`);
    } else if (found && !isAlone && (found.hash !== hash || found.first !== first || found.prev !== prev)) {
      broken('rewritten', first, seq, `events ${first} to ${seq} do not match their signed hash`);
    } else if (!isAlone) {
      verified += found ? seq - first + 1 : 0;
    }
    ahead = null;
    digest = new SegmentDigest(next);
  }

  return {
    frame(frame: Placed): void {
      if (frame.chain !== chain) {
        chain = frame.chain;
        digest = null;
        expected = null;
      }
      if (expected !== null && frame.first > expected) {
        const where = torn === null ? '' : `; ${torn} cannot be read there`;
        broken('missing', expected, frame.first - 1, `events ${expected} to ${frame.first - 1} are missing${where}`);
        digest = null;
      }
      torn = null;
      if (frame.kind === 'head') onHead(JSON.parse(frame.payload.toString()) as Head);
      else if (frame.kind === 'checkpoint') onCheckpoint(JSON.parse(frame.payload.toString()) as Checkpoint);
      else if (frame.kind === 'events') digest?.add(frame.payload, frame.events);
      expected = frame.first + frame.events;
    },
    hole(where: string): void {
      torn = where;
    },
    restart(): void {
      digest = null;
      expected = null;
    },
    result: () => ({ chain, verified, unsigned: digest?.empty === false ? count(digest) : 0, heads, breaks }),
  };
}

function count(digest: SegmentDigest): number {
  const { first, seq } = digest.summary();
  return seq - first + 1;
}
