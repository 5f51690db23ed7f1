import { eventLine } from '../journal/event-line.ts';
import type { Clock } from '../../gateway/domain/clock.ts';
import type { Outbox, OutboxDelivery } from '../../gateway/domain/outbox.ts';
import { checkpoint, headOf, START, type Head, type Signer } from '../ledger/ledger.ts';
import { SegmentDigest } from '../ledger/segment-digest.ts';
import { createSharedStates } from './shared-states.ts';
import type { Position, Source } from './source.ts';
import { BATCH_ROWS } from './source.ts';

/** Entries read from the store at a time. */
const PAGE_ROWS = 1000;
/** From here on a batch takes no further page. */
const BATCH_BYTES = 4 * 1024 * 1024;

/**
 * The hold store's outbox as a source. Its events get their numbers here, as they are delivered, and each batch is a
 * segment with a checkpoint. A position is `<place in the outbox>:<events so far>:<link of the last checkpoint>`, so
 * any process that continues from one, also on another machine, continues the same chain.
 */
export function createOutboxSource(options: {
  readonly name: string;
  readonly outbox: Pick<Outbox, 'read' | 'forget'> & { readonly delivery?: OutboxDelivery | null };
  /** Names the data folder of an outbox that is not shared: see `ShipStates.home`. */
  readonly home: string;
  /** The gateway that signs. */
  readonly node: string;
  readonly signer: Signer;
  readonly rows?: number;
  readonly clock?: Clock;
}): Source {
  const { name, outbox, node, signer, rows = BATCH_ROWS, clock = Date.now } = options;
  const chain = `${outbox.delivery?.home ?? options.home}/${name}`;

  /** Lines that follow `after`, with their newlines: those up to `stop`, or as many as make a batch. */
  async function read(after: number, stop: number | null): Promise<{ lines: Buffer[]; last: number; bytes: number }> {
    const lines: Buffer[] = [];
    let last = after;
    let bytes = 0;
    for (;;) {
      const page = await outbox.read(last, stop === null ? Math.min(PAGE_ROWS, rows - lines.length) : PAGE_ROWS);
      for (const { seq, event } of page) {
        if (stop !== null && seq > stop) return { lines, last, bytes };
        const line = Buffer.from(`${eventLine(event)}\n`);
        lines.push(line);
        bytes += line.length;
        last = seq;
      }
      const isEnough = stop === null && (lines.length >= rows || bytes >= BATCH_BYTES);
      if (page.length === 0 || isEnough) return { lines, last, bytes };
    }
  }

  return {
    name,
    ...(outbox.delivery && { shared: createSharedStates(outbox.delivery) }),
    async next(position, until) {
      const { place, head } = parse(position);
      const { lines, last } = await read(place, until === undefined ? null : parse(until).place);
      if (lines.length === 0) return null;
      const batch = { chain, first: head.seq + 1, rows: lines.map((line) => line.subarray(0, -1)) };
      // A repeated batch goes out with the checkpoint that was signed the first time.
      if (until !== undefined) return { ...batch, to: until, checkpoints: [] };
      const digest = new SegmentDigest(head);
      for (const line of lines) digest.add(line, 1);
      const signed = checkpoint({ chain, node, at: clock() }, digest.summary(), signer);
      return { ...batch, to: `${last}:${signed.seq}:${headOf(signed).link}`, checkpoints: [signed] };
    },
    forget: (position) => outbox.forget(parse(position).place),
    /** Of no more than one batch. */
    async behind(position) {
      const { lines, bytes } = await read(parse(position).place, null);
      return { bytes, rows: lines.length };
    },
  };
}

/** A position of before there were chains is a place alone. */
function parse(position: Position): { place: number; head: Head } {
  const [place = '', seq, link] = position.split(':');
  return { place: Number(place), head: seq === undefined || link === undefined ? START : { seq: Number(seq), link } };
}
