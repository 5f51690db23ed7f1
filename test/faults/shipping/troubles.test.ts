import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { request } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { ClickHouseLogLevel, createClient, type ClickHouseClient } from '@clickhouse/client';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { connectClickHouse } from '../../../audit/clickhouse/clickhouse.ts';
import { migrate } from '../../../audit/clickhouse/migrate.ts';
import { createShipper, type ShipperReport } from '../../../audit/ship/shipper.ts';
import { startEmbedded, type Embedded } from '../../../audit/clickhouse/start-embedded.ts';
import { countEvents, event, openTestJournal, temporaryFolder, until, writeEvents } from '../../audit/events.ts';
import { ended } from './engine.ts';

/** A fault for requests to ClickHouse. It answers a request itself, or leaves it without an answer. */
type Trouble = (statement: string, response: ServerResponse) => boolean;

let data: Awaited<ReturnType<typeof temporaryFolder>>;
let embedded: Embedded;
let direct: ClickHouseClient;
let way: Server;
let client: ClickHouseClient;
let trouble: Trouble | null = null;

/** A proxy between the shipper and the engine that can inject a fault. */
beforeAll(async () => {
  data = await temporaryFolder();
  embedded = await startEmbedded({ path: join(data.path, 'clickhouse') });
  direct = connectClickHouse(embedded);
  await migrate(direct);
  way = createServer((incoming, response) => void pass(incoming, response)).listen(0, '127.0.0.1');
  await once(way, 'listening');
  client = createClient({
    url: `http://127.0.0.1:${(way.address() as AddressInfo).port}`,
    username: embedded.username,
    password: embedded.password,
    // Far longer than an insert takes, even on a busy machine.
    request_timeout: 3_000,
    keep_alive: { enabled: false },
    log: { level: ClickHouseLogLevel.OFF },
  });
});

beforeEach(async () => {
  trouble = null;
  await direct.command({ query: 'TRUNCATE TABLE holdpoint.events' });
});

afterAll(async () => {
  await client.close();
  await direct.close();
  way.closeAllConnections();
  way.close();
  await ended(embedded.child, 'SIGTERM');
  await data[Symbol.asyncDispose]();
});

async function pass(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming as AsyncIterable<Buffer>) chunks.push(chunk);
  const statement = new URL(incoming.url!, embedded.url).searchParams.get('query') ?? Buffer.concat(chunks).toString();
  if (trouble?.(statement, response)) return;
  const { method, headers, url } = incoming;
  const outgoing = request(`${embedded.url}${url}`, {
    method: method!,
    headers: { ...headers, 'transfer-encoding': '' },
  });
  outgoing.removeHeader('transfer-encoding');
  outgoing.once('response', (answer) => {
    response.writeHead(answer.statusCode!, answer.headers);
    answer.pipe(response);
  });
  outgoing.once('error', () => response.destroy());
  outgoing.end(Buffer.concat(chunks));
}

/** Answers so many inserts with this error of ClickHouse. */
function refusing(code: number, times: number, text: string): Trouble {
  let left = times;
  return (statement, response) => {
    if (!statement.startsWith('INSERT INTO holdpoint.events') || left-- <= 0) return false;
    response.writeHead(500, { 'x-clickhouse-exception-code': String(code) });
    response.end(`Code: ${code}. DB::Exception: ${text}\n`);
    return true;
  };
}

const troubles: readonly (readonly [string, () => Trouble])[] = [
  ['is read-only', () => refusing(164, 2, 'Cannot execute query in readonly mode. (READONLY)')],
  [
    'has lost its table to read-only replicas',
    () => refusing(242, 2, 'Table is in readonly mode. (TABLE_IS_READ_ONLY)'),
  ],
  ['is out of memory', () => refusing(241, 2, 'Query memory limit exceeded. (MEMORY_LIMIT_EXCEEDED)')],
  ['has too many parts', () => refusing(252, 2, 'Too many parts (3000). (TOO_MANY_PARTS)')],
  ['has a full disk', () => refusing(243, 2, 'Cannot reserve 1.00 MiB, not enough space. (NOT_ENOUGH_SPACE)')],
  ['has too much to do', () => refusing(202, 2, 'Too many simultaneous queries. (TOO_MANY_SIMULTANEOUS_QUERIES)')],
  [
    'does not answer',
    () => {
      let left = 1;
      return (statement) => statement.startsWith('INSERT') && left-- > 0;
    },
  ],
  [
    'stores an insert without confirming it',
    () => {
      let left = 2;
      return (statement, response) => {
        if (!statement.startsWith('INSERT INTO holdpoint.events') || left-- <= 0) return false;
        // The engine gets the rest of the insert, but the client has lost the connection.
        setImmediate(() => response.destroy());
        return false;
      };
    },
  ],
];

test.for(troubles.map(([name, make]) => [name, make] as const))(
  'when ClickHouse %s, no event is lost or stored twice, and the shipper reports it once',
  async ([, make]) => {
    await using folder = await temporaryFolder();
    await writeEvents(join(folder.path, 'worker-1'), 0, 30);
    await writeEvents(join(folder.path, 'worker-2'), 30, 50);
    const reports: ShipperReport[] = [];
    const shipper = await createShipper({
      dir: folder.path,
      client,
      interval: 10,
      onReport: (report) => reports.push(report),
    });
    trouble = make();
    shipper.start();
    const { sources } = await (async () => {
      await until(() => reports.length > 0);
      return await shipper.status();
    })();
    expect(sources.filter(({ stalled }) => stalled).length).toBeGreaterThan(0);
    expect(sources.find(({ stalled }) => stalled)?.lastError).not.toBeNull();
    await until(async () => (await countEvents(direct)).events === 50);
    await until(async () =>
      (await shipper.status()).sources.every(({ stalled, behind }) => !stalled && behind.rows === 0),
    );
    await shipper.stop();
    expect(await countEvents(direct)).toEqual({ rows: 50, events: 50 });
    expect(reports.map(({ type }) => type)).toEqual(['stalled', 'resumed']);
  },
);

test('the shipper reports the age of the oldest waiting event, and none when all are delivered', async () => {
  await using folder = await temporaryFolder();
  await writeEvents(join(folder.path, 'worker-1'), 0, 30);
  const shipper = await createShipper({ dir: folder.path, client, interval: 10, clock: () => 1_790_000_060_000 });
  trouble = refusing(241, Infinity, 'Query memory limit exceeded. (MEMORY_LIMIT_EXCEEDED)');
  await expect(shipper.drain()).rejects.toThrow('memory limit');
  expect((await shipper.status()).sources).toMatchObject([{ lag: 60_000, behind: { rows: 30 }, shipped: 0 }]);
  trouble = null;
  await shipper.drain();
  expect((await shipper.status()).sources).toMatchObject([{ lag: 0, behind: { bytes: 0, rows: 0 }, shipped: 30 }]);
});

test('a missing column is added to the table again, and no row is refused for it', async () => {
  await using folder = await temporaryFolder();
  await writeEvents(join(folder.path, 'worker-1'), 0, 10);
  const reports: ShipperReport[] = [];
  const options = { dir: folder.path, client: direct, onReport: (report: ShipperReport) => void reports.push(report) };
  const shipper = await createShipper(options);
  await shipper.drain();
  await direct.command({ query: 'ALTER TABLE holdpoint.events DROP COLUMN masked' });
  const journal = await openTestJournal(join(folder.path, 'worker-1'));
  journal.append(event(10, { masked: ['/card'] }));
  await journal.close();
  await expect(shipper.drain()).rejects.toThrow('masked');
  await shipper.drain();
  expect(await countEvents(direct)).toEqual({ rows: 11, events: 11 });
  expect((await shipper.status()).deadLetters).toBe(0);
});
