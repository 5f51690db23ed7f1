import { createHash, type Hash } from 'node:crypto';
import type { Head, SegmentSummary } from './ledger.ts';

/** The digest of a chain's last segment, which grows with each line. */
export class SegmentDigest {
  readonly #prev: string;
  readonly #first: number;
  readonly #hash: Hash;
  #seq: number;

  constructor({ seq, link }: Head, hash = createHash('sha256').update(Buffer.from(link, 'hex'))) {
    this.#prev = link;
    this.#first = seq + 1;
    this.#seq = seq;
    this.#hash = hash;
  }

  /** Where the chain stood when the segment began. */
  get head(): Head {
    return { seq: this.#first - 1, link: this.#prev };
  }

  /** The number of the last event; 0 when the chain has none. */
  get seq(): number {
    return this.#seq;
  }

  /** Whether the segment has no events yet. */
  get empty(): boolean {
    return this.#seq < this.#first;
  }

  /** Adds `count` lines, each with its newline. */
  add(lines: Uint8Array, count: number): void {
    this.#hash.update(lines);
    this.#seq += count;
  }

  /** A copy that grows independently. */
  copy(): SegmentDigest {
    const copy = new SegmentDigest(this.head, this.#hash.copy());
    copy.#seq = this.#seq;
    return copy;
  }

  /** What a checkpoint here says. The segment may grow afterwards. */
  summary(): SegmentSummary {
    return { first: this.#first, seq: this.#seq, prev: this.#prev, hash: this.#hash.copy().digest('hex') };
  }
}
