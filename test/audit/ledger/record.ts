import { Readable } from 'node:stream';
import type { ClickHouseClient } from '@clickhouse/client';
import { checkpoint, headOf, rowHash, START, type Checkpoint, type Signer } from '../../../audit/ledger/ledger.ts';
import { SegmentDigest } from '../../../audit/ledger/segment-digest.ts';
import { eventLine } from '../../../audit/journal/event-line.ts';
import type { Event } from '../../../gateway/domain/event.ts';

/** Writes a chain into ClickHouse as it arrives there: rows with their numbers, and a checkpoint for each digest. */
export async function writeRecord(
  client: ClickHouseClient,
  { chain, signer, segments, tail = [] }: { chain: string; signer: Signer; segments: Event[][]; tail?: Event[] },
): Promise<Checkpoint[]> {
  const checkpoints: Checkpoint[] = [];
  const rows: string[] = [];
  let head = START;
  for (const events of [...segments, tail]) {
    const digest = new SegmentDigest(head);
    for (const event of events) {
      const line = eventLine(event);
      digest.add(Buffer.from(`${line}\n`), 1);
      const place = JSON.stringify({ chain, seq: digest.seq, hash: rowHash(digest.seq, line), shipped_at: event.at });
      rows.push(`${line.slice(0, -1)},${place.slice(1)}`);
    }
    if (events === tail) break;
    const signed = checkpoint({ chain, node: 'gw-1', at: events.at(-1)!.at }, digest.summary(), signer);
    checkpoints.push(signed);
    head = headOf(signed);
  }
  await insert(client, 'events', rows);
  await insert(
    client,
    'checkpoints',
    checkpoints.map((each) => JSON.stringify(each)),
  );
  return checkpoints;
}

async function insert(client: ClickHouseClient, table: string, rows: readonly string[]): Promise<void> {
  const { stream } = await client.exec({
    query: `INSERT INTO holdpoint.${table} FORMAT JSONEachRow`,
    values: Readable.from([rows.join('\n')], { objectMode: false }),
  });
  stream.destroy();
}
