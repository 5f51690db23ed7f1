import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';
import type { ClickHouseClient } from '@clickhouse/client';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { connectClickHouse } from '../../../audit/clickhouse/clickhouse.ts';
import { migrate } from '../../../audit/clickhouse/migrate.ts';
import { createOutboxSource } from '../../../audit/ship/outbox-source.ts';
import { createSigner, type Signer } from '../../../audit/ledger/ledger.ts';
import type { ShipperReport } from '../../../audit/ship/shipper.ts';
import { createShipper } from '../../../audit/ship/shipper.ts';
import type { Embedded } from '../../../audit/clickhouse/start-embedded.ts';
import { startEmbedded } from '../../../audit/clickhouse/start-embedded.ts';
import type { Event } from '../../../gateway/domain/event.ts';
import type { OutboxDelivery } from '../../../gateway/domain/outbox.ts';
import { countEvents, event, SIGNER, temporaryFolder } from '../events.ts';

let data: Awaited<ReturnType<typeof temporaryFolder>>;
let embedded: Embedded;
let client: ClickHouseClient;

beforeAll(async () => {
  data = await temporaryFolder();
  embedded = await startEmbedded({ path: join(data.path, 'clickhouse') });
  client = connectClickHouse(embedded);
  await migrate(client);
});

beforeEach(async () => {
  await client.command({ query: 'TRUNCATE TABLE holdpoint.events' });
});

afterAll(async () => {
  await client.close();
  const exited = once(embedded.child, 'exit');
  embedded.child.kill('SIGTERM');
  await exited;
  await data[Symbol.asyncDispose]();
});

/** One outbox and its books, as gateways on one database see them. Each gateway says for itself whether it leads. */
function sharedOutbox(home: string, events: number) {
  let entries = Array.from({ length: events }, (_, n): { seq: number; event: Event } => ({
    seq: n + 1,
    event: event(n),
  }));
  let saved: { version: number; state: string | null } = { version: 0, state: null };
  let failSave = false;
  return {
    entries: () => entries.length,
    /** From the next acknowledged batch on, the books cannot be written: the gateway dies between send and cursor. */
    loseNextSave: () => (failSave = true),
    seenBy(leads: () => boolean, signer: Signer = SIGNER) {
      const delivery: OutboxDelivery = {
        home,
        lead: async () => leads(),
        load: async () => saved,
        async save(version, state) {
          const { plan } = JSON.parse(state) as { plan: object | null };
          if (failSave && plan === null) {
            failSave = false;
            throw new Error('the database went away');
          }
          if (version !== saved.version) return false;
          saved = { version: version + 1, state };
          return true;
        },
      };
      const read = async (after: number, limit: number) => entries.filter(({ seq }) => seq > after).slice(0, limit);
      const forget = async (through: number) => {
        entries = entries.filter(({ seq }) => seq > through);
      };
      return createOutboxSource({
        name: 'holds',
        outbox: { read, forget, delivery },
        rows: 100,
        home: 'of its own',
        node: 'node-1',
        signer,
      });
    },
  };
}

test('a shared outbox is delivered by the gateway that leads, and by no other', async () => {
  await using one = await temporaryFolder();
  await using two = await temporaryFolder();
  const outbox = sharedOutbox('home-1', 250);
  const idle = await createShipper({ dir: two.path, client, sources: () => [outbox.seenBy(() => false)] });
  await idle.drain();
  expect(await countEvents(client)).toEqual({ rows: 0, events: 0 });
  expect((await idle.status()).sources).toMatchObject([{ name: 'holds', shipped: 0, behind: { rows: 100 } }]);

  const leading = await createShipper({ dir: one.path, client, sources: () => [outbox.seenBy(() => true)] });
  await leading.drain();
  expect(await countEvents(client)).toEqual({ rows: 250, events: 250 });
  expect(outbox.entries()).toBe(0);
});

test('a shared outbox is delivered once, even if a gateway dies between sending a batch and saving its state', async () => {
  await using one = await temporaryFolder();
  await using two = await temporaryFolder();
  const outbox = sharedOutbox('home-2', 250);
  const lost = await createShipper({ dir: one.path, client, sources: () => [outbox.seenBy(() => true)] });
  outbox.loseNextSave();
  await expect(lost.drain()).rejects.toThrow('the database went away');
  expect(await countEvents(client)).toEqual({ rows: 100, events: 100 });

  const next = await createShipper({ dir: two.path, client, sources: () => [outbox.seenBy(() => true)] });
  await next.drain();
  expect(await countEvents(client)).toEqual({ rows: 250, events: 250 });
});

test('a shared outbox is delivered once, even if two gateways believe for a while that they lead', async () => {
  await using one = await temporaryFolder();
  await using two = await temporaryFolder();
  const outbox = sharedOutbox('home-3', 1000);
  const reports: ShipperReport[] = [];
  const shippers = await Promise.all(
    [one, two].map(({ path }) =>
      createShipper({
        dir: path,
        client,
        interval: 5,
        sources: () => [outbox.seenBy(() => true)],
        onReport: (report) => reports.push(report),
      }),
    ),
  );
  for (const shipper of shippers) shipper.start();
  await expect.poll(() => outbox.entries()).toBe(0);
  for (const shipper of shippers) await shipper.stop();
  expect(await countEvents(client)).toEqual({ rows: 1000, events: 1000 });
  expect(reports.filter(({ type }) => type === 'missing' || type === 'dead-letter')).toEqual([]);
});

test('a shared outbox is taken over by another gateway, which reads the state again', async () => {
  await using one = await temporaryFolder();
  await using two = await temporaryFolder();
  const outbox = sharedOutbox('home-4', 100);
  let leader = 'one';
  const shippers = await Promise.all([
    createShipper({ dir: one.path, client, sources: () => [outbox.seenBy(() => leader === 'one')] }),
    createShipper({ dir: two.path, client, sources: () => [outbox.seenBy(() => leader === 'two')] }),
  ]);
  await shippers[0]!.drain();
  leader = 'two';
  for (const shipper of shippers) await shipper.drain();
  leader = 'one';
  for (const shipper of shippers) await shipper.drain();
  expect(await countEvents(client)).toEqual({ rows: 100, events: 100 });
});

test('a planned batch goes out with its first checkpoint when a gateway with another key takes over', async () => {
  await using one = await temporaryFolder();
  await using two = await temporaryFolder();
  const outbox = sharedOutbox('home-5', 150);
  const other = createSigner(generateKeyPairSync('ed25519').privateKey);
  const lost = await createShipper({ dir: one.path, client, sources: () => [outbox.seenBy(() => true)] });
  outbox.loseNextSave();
  await expect(lost.drain()).rejects.toThrow('the database went away');
  const next = await createShipper({ dir: two.path, client, sources: () => [outbox.seenBy(() => true, other)] });
  await next.drain();
  const result = await client.query({
    query: `SELECT toUInt32(first) AS first, toUInt32(seq) AS seq, key, prev, hash
      FROM holdpoint.checkpoints FINAL WHERE chain = 'home-5/holds' ORDER BY seq`,
    format: 'JSONEachRow',
  });
  const checkpoints = await result.json<{ first: number; seq: number; key: string }>();
  expect(checkpoints.map(({ first, seq, key }) => [first, seq, key])).toEqual([
    [1, 100, SIGNER.key],
    [101, 150, other.key],
  ]);
  expect(await countEvents(client)).toEqual({ rows: 150, events: 150 });
});
