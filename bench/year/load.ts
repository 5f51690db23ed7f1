import type { ClickHouseClient } from '@clickhouse/client';
import { insertCheckpoints, insertEvents, stamp, type NumberedLine } from '../../audit/ship/event-table.ts';
import { checkpoint, headOf, START, type Signer } from '../../audit/ledger/ledger.ts';
import { SegmentDigest } from '../../audit/ledger/segment-digest.ts';
import { eventLine } from '../../audit/journal/event-line.ts';
import type { Event } from '../../gateway/domain/event.ts';
import { uuid } from './identifier.ts';
import { createRandom } from './random.ts';

/** Rows of one insert; more than the shipper's, because no reader waits for these. */
const BATCH = 20_000;
/** Inserts under way while the next batch is made. */
const AHEAD = 2;
/** How long after its last event a batch arrives, in milliseconds. */
const LAG = 1_000;

export type Loaded = {
  readonly events: number;
  readonly batches: number;
  /** Of the lines alone. */ readonly bytes: number;
};

/** Events that wait in one chain. */
type Lane = { readonly chain: string; readonly node: string; digest: SegmentDigest; rows: NumberedLine[] };

/**
 * Ships events as gateways do, only faster: each node's journal is a chain, what happened to holds is another, and
 * every batch ends with a signed checkpoint. So `audit verify` finds the year as it finds any other record.
 */
export async function loadEvents(
  client: ClickHouseClient,
  events: Iterable<Event>,
  {
    signer,
    seed = 1,
    onProgress,
  }: { readonly signer: Signer; readonly seed?: number; readonly onProgress?: (events: number, at: number) => void },
): Promise<Loaded> {
  const random = createRandom(seed + 2);
  const lanes = new Map<string, Lane>();
  const underWay = new Set<Promise<void>>();
  const { signal } = new AbortController();
  let [count, batches, bytes, at] = [0, 0, 0, 0];

  function lane({ node, type }: Event): Lane {
    const outbox = type.startsWith('hold.') || type.startsWith('grant.');
    const name = outbox ? 'outbox' : node;
    let found = lanes.get(name);
    if (!found) {
      const made = uuid(random, 0).replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
      found = { chain: outbox ? `${made}/holds-outbox` : made, node, digest: new SegmentDigest(START), rows: [] };
      lanes.set(name, found);
    }
    return found;
  }

  async function ship(one: Lane): Promise<void> {
    const { chain, node, digest, rows } = one;
    const shippedAt = at + LAG;
    digest.add(Buffer.concat(rows.flatMap(({ line }) => [line, NEWLINE])), rows.length);
    const signed = checkpoint({ chain, node, at: shippedAt }, digest.summary(), signer);
    one.digest = new SegmentDigest(headOf(signed));
    one.rows = [];
    batches += 1;
    const delivery = { chain, from: rows[0]!.seq, to: digest.seq + 1, at: shippedAt, signal };
    while (underWay.size >= AHEAD) await Promise.race(underWay);
    const { body } = stamp(rows, chain, shippedAt);
    const shipping = insertEvents(client, { ...delivery, body })
      .then(() => insertCheckpoints(client, { ...delivery, checkpoints: [signed] }))
      .finally(() => underWay.delete(shipping));
    underWay.add(shipping);
  }

  for (const event of events) {
    const to = lane(event);
    const line = Buffer.from(eventLine(event));
    to.rows.push({ seq: to.digest.seq + to.rows.length + 1, line });
    bytes += line.length;
    count += 1;
    at = event.at;
    if (to.rows.length < BATCH) continue;
    await ship(to);
    onProgress?.(count, at);
  }
  for (const one of lanes.values()) if (one.rows.length > 0) await ship(one);
  await Promise.all(underWay);
  return { events: count, batches, bytes };
}

const NEWLINE = Buffer.from('\n');
