import { join } from 'node:path';
import { ClickHouseLogLevel, createClient, type ClickHouseClient } from '@clickhouse/client';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { migrate } from '../../../audit/clickhouse/migrate.ts';
import { createOutboxSource } from '../../../audit/ship/outbox-source.ts';
import { createShipper, type Shipper } from '../../../audit/ship/shipper.ts';
import { startEmbedded, type Embedded } from '../../../audit/clickhouse/start-embedded.ts';
import { openHoldStore } from '../../../gateway/holds/store/store.ts';
import { SIGNER, temporaryFolder } from '../../audit/events.ts';
import { ended } from './engine.ts';
import { openWay, type Way } from './killed/way.ts';
import { BATCH, lay, read, storeOptions, whole } from './killed/story.ts';

/** SHIP_POINTS=all in the environment kills at every point. */
const EVERY = process.env['SHIP_POINTS'] === 'all' ? 1 : 5;
const limits = { timeout: 900_000 };

let data: Awaited<ReturnType<typeof temporaryFolder>>;
let embedded: Embedded;
let way: Way;
let client: ClickHouseClient;
/** Moments until the engine is killed; null if it is not killed. */
let left: number | null;
let where: string | null;

beforeEach(async () => {
  left = null;
  data = await temporaryFolder();
  embedded = await startEmbedded({ path: join(data.path, 'clickhouse') });
  way = await openWay(
    () => embedded,
    async (moment, statement) => {
      if (left === null || left-- > 0) return false;
      left = null;
      where = `${moment} ${statement}`;
      await ended(embedded.child, 'SIGKILL');
      return true;
    },
  );
  const { username, password } = embedded;
  const log = { level: ClickHouseLogLevel.OFF };
  client = createClient({ url: way.url, username, password, keep_alive: { enabled: false }, log });
});

afterEach(async () => {
  left = null;
  await client.close();
  way.close();
  await ended(embedded.child, 'SIGTERM');
  await data[Symbol.asyncDispose]();
});

/** Runs `work` and kills the engine at this point, then runs it again on a new engine. @returns where it was killed */
async function killedAt(point: number, work: () => Promise<unknown>): Promise<string | null> {
  left = point;
  where = null;
  const failure = await work().then(
    () => null,
    (error: unknown) => error as Error,
  );
  left = null;
  if (where === null) {
    if (failure !== null) throw failure;
    return null;
  }
  // At another port, as the old one may be taken. The proxy leads there.
  const { password } = embedded;
  embedded = await startEmbedded({ path: join(data.path, 'clickhouse'), password });
  await work();
  return where;
}

test(
  'each event arrives once although the engine is killed at each moment of each statement of the shipper',
  limits,
  async ({ annotate }) => {
    await migrate(client);
    let points = 0;
    for (let point = 0; ; point += EVERY) {
      await using folder = await temporaryFolder();
      const label = `engine-${point}`;
      await lay(folder.path, label);
      const store = await openHoldStore(storeOptions(folder.path, label));
      const open = () =>
        createShipper({
          dir: join(folder.path, 'journal'),
          client,
          rows: BATCH,
          sources: (home) => [
            createOutboxSource({ name: 'holds-outbox', outbox: store.outbox, home, node: label, signer: SIGNER }),
          ],
        });
      let shipper: Shipper = await open();
      const killed = await killedAt(point, async () => {
        await shipper.drain();
      });
      // Every other time, the shipper dies with the engine, and its successor knows only the data on disk.
      if (points % 2 === 0) shipper = await open();
      await shipper.drain();
      await store.close();
      expect({ killed, ...(await read(client, label)) }).toEqual({ killed, ...whole() });
      if (killed === null) break;
      points++;
    }
    expect(points).toBeGreaterThan(30 / EVERY);
    await annotate(`${points} points`);
  },
);

test(
  'the tables are complete although the engine is killed at each moment of each statement that creates them',
  limits,
  async ({ annotate }) => {
    let points = 0;
    for (let point = 0; ; point += EVERY) {
      const killed = await killedAt(point, () => migrate(client));
      expect(await migrate(client)).toEqual([]);
      await using folder = await temporaryFolder();
      const label = `tables-${point}`;
      await lay(folder.path, label);
      const store = await openHoldStore(storeOptions(folder.path, label));
      const shipper = await createShipper({
        dir: join(folder.path, 'journal'),
        client,
        rows: BATCH,
        sources: (home) => [
          createOutboxSource({ name: 'holds-outbox', outbox: store.outbox, home, node: label, signer: SIGNER }),
        ],
      });
      await shipper.drain();
      await store.close();
      expect({ killed, ...(await read(client, label)) }).toEqual({ killed, ...whole() });
      if (killed === null) break;
      points++;
      await client.command({ query: 'DROP DATABASE holdpoint SYNC' });
    }
    expect(points).toBeGreaterThan(30 / EVERY);
    await annotate(`${points} points`);
  },
);
