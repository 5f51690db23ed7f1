import { join } from 'node:path';
import type { ClickHouseClient } from '@clickhouse/client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { connectClickHouse } from '../../../audit/clickhouse/clickhouse.ts';
import { migrate } from '../../../audit/clickhouse/migrate.ts';
import { startEmbedded, type Embedded } from '../../../audit/clickhouse/start-embedded.ts';
import { createShipper } from '../../../audit/ship/shipper.ts';
import { temporaryFolder } from '../../audit/events.ts';
import { ended } from './engine.ts';
import type { Order } from './killed/child.ts';
import { Child } from './killed/process.ts';
import { lay, read, whole } from './killed/story.ts';

/** Lanes at a time. */
const LANES = 2;
/** SHIP_POINTS=all in the environment kills at every point. */
const EVERY = process.env['SHIP_POINTS'] === 'all' ? 1 : 5;
const limits = { timeout: 900_000 };

let data: Awaited<ReturnType<typeof temporaryFolder>>;
let embedded: Embedded;
let client: ClickHouseClient;

beforeAll(async () => {
  data = await temporaryFolder();
  embedded = await startEmbedded({ path: join(data.path, 'clickhouse') });
  client = connectClickHouse(embedded);
  await migrate(client);
});

afterAll(async () => {
  await client.close();
  await ended(embedded.child, 'SIGTERM');
  await data[Symbol.asyncDispose]();
});

/**
 * Kills a process at one point of its work after another, in parallel lanes. The next processes of a lane already load
 * while the current ones play.
 * @returns the number of points
 */
async function killEverywhere(
  lanes: number,
  play: (point: number, child: Child, successor: Child) => Promise<string | null>,
): Promise<number> {
  const pair = () => [new Child(embedded), new Child(embedded)] as const;
  async function lane(first: number): Promise<number> {
    let next = pair();
    for (let point = first, killed = 0; ; point += lanes * EVERY) {
      const [child, successor] = next;
      next = pair();
      let where: string | null = null;
      try {
        where = await play(point, child, successor);
      } finally {
        const left = where === null ? next : [];
        await Promise.all([child, successor, ...left].map((each) => each.end()));
      }
      if (where === null) return killed;
      killed++;
    }
  }
  const runs = Array.from({ length: lanes }, (_, index) => lane(index * EVERY));
  // If one lane fails, the other must not run on into the next test.
  await Promise.allSettled(runs);
  return (await Promise.all(runs)).reduce((sum, count) => sum + count, 0);
}

test(
  'each event arrives once although the shipper is killed between any two of its steps',
  limits,
  async ({ annotate }) => {
    const points = await killEverywhere(LANES, async (point, child, successor) => {
      await using folder = await temporaryFolder();
      const label = `shipper-${point}`;
      await lay(folder.path, label);
      const order: Order = { type: 'ship', point, path: folder.path, label };
      const where = await child.do(order);
      await successor.do({ ...order, point: null });
      expect({ where, ...(await read(client, label)) }).toEqual({ where, ...whole() });
      return where;
    });
    expect(points).toBeGreaterThan(50 / EVERY);
    await annotate(`${points} points`);
  },
);

test(
  'each durable event arrives once although the writer of a journal is killed while it is shipped',
  limits,
  async ({ annotate }) => {
    await using folder = await temporaryFolder();
    const shipper = await createShipper({ dir: join(folder.path, 'journal'), client, interval: 5 });
    shipper.start();
    const promised: number[] = [];
    const places: string[] = [];
    const points = await killEverywhere(1, async (point, child) => {
      const first = point * 30;
      const where = await child.do({ type: 'write', point, path: folder.path, label: 'writer', first });
      for (let n = first; n <= child.written; n++) promised.push(n);
      places.push(where ?? 'not at all');
      return where;
    });
    await shipper.stop();
    await shipper.drain();
    const result = await client.query({
      query: `SELECT toUInt32(count()) AS rows, toUInt32(uniqExact(event_id)) AS events, toUInt32(uniqExact(seq)) AS numbers,
      toUInt32(max(seq)) AS last, toUInt32(uniqExact(chain)) AS chains, groupUniqArray(event_id) AS ids
      FROM holdpoint.events WHERE node = 'writer'`,
      format: 'JSONEachRow',
    });
    const [found] = await result.json<{ rows: number; ids: string[] }>();
    const { ids, ...counts } = found!;
    const { rows } = counts;
    expect({ places, ...counts }).toEqual({ places, rows, events: rows, numbers: rows, last: rows, chains: 1 });
    const there = new Set(ids);
    expect(promised.filter((n) => !there.has(`writer-${n}`))).toEqual([]);
    expect(promised.length).toBeGreaterThan(30);
    await annotate(`${points} points`);
  },
);
