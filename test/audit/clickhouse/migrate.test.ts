import { afterEach, beforeEach, expect, test } from 'vitest';
import { EVENT_COLUMNS } from '../../../audit/clickhouse/event-columns.ts';
import { migrate, SchemaUnknown } from '../../../audit/clickhouse/migrate.ts';
import { event, until } from '../events.ts';
import { openWarehouse, type Warehouse } from './warehouse.ts';

let warehouse: Warehouse;

beforeEach(async () => {
  warehouse = await openWarehouse();
});

afterEach(() => warehouse[Symbol.asyncDispose]());

const DAY = 86_400_000;
const command = (query: string) => warehouse.client.command({ query });
const count = async (table: string) => {
  const [row] = await warehouse.select<{ n: string }>(`SELECT count() AS n FROM holdpoint.${table}`);
  return Number(row!.n);
};

test('a migration creates the tables once and changes nothing when repeated', async () => {
  expect(await migrate(warehouse.client)).toEqual([
    '0001-events.sql',
    '0002-calls.sql',
    '0003-holds.sql',
    '0004-minutes.sql',
    'views.sql',
  ]);
  await warehouse.insert([event(0)]);
  expect(await migrate(warehouse.client)).toEqual([]);
  expect(await count('events')).toBe(1);
});

test('a migration continues after a crash between any statement and its record, and next to another gateway', async () => {
  await migrate(warehouse.client);
  await warehouse.insert([event(0)]);
  await command('TRUNCATE TABLE holdpoint.schema_migrations');
  await Promise.all([migrate(warehouse.client), migrate(warehouse.client)]);
  expect(await migrate(warehouse.client)).toEqual([]);
  for (const table of ['events', 'calls', 'minutes']) expect([table, await count(table)]).toEqual([table, 1]);
});

test('a migration adds a column for every new field of the list', async () => {
  await migrate(warehouse.client);
  await command('ALTER TABLE holdpoint.events DROP COLUMN fault');
  await command('ALTER TABLE holdpoint.events DROP COLUMN masked');
  expect(await migrate(warehouse.client)).toEqual(['holdpoint.events.fault', 'holdpoint.events.masked']);
  await warehouse.insert([event(0, { fault: 'x', masked: ['/a'] })]);
  expect(await warehouse.select('SELECT fault, masked FROM holdpoint.ledger')).toEqual([
    { fault: 'x', masked: ['/a'] },
  ]);
  const columns = await warehouse.select<{ name: string }>(
    `SELECT name FROM system.columns WHERE database = 'holdpoint' AND table = 'events' ORDER BY position LIMIT ${EVENT_COLUMNS.length}`,
  );
  expect(columns.map(({ name }) => name)).toEqual(EVENT_COLUMNS.map(({ name }) => name));
});

test('a migration replaces views that have changed', async () => {
  await migrate(warehouse.client);
  await command('CREATE OR REPLACE VIEW holdpoint.calls AS SELECT 1 AS earlier');
  await command(`ALTER TABLE holdpoint.schema_migrations DELETE WHERE name LIKE 'views-%' SETTINGS mutations_sync = 1`);
  expect(await migrate(warehouse.client)).toEqual(['views.sql']);
  expect(await count('calls')).toBe(0);
  expect(await warehouse.select('SELECT call_id FROM holdpoint.calls')).toEqual([]);
});

test('a migration refuses tables of an unknown version, and does not change them', async () => {
  await migrate(warehouse.client);
  await command(`INSERT INTO holdpoint.schema_migrations (name) VALUES ('0099-later.sql')`);
  const error: unknown = await migrate(warehouse.client).catch((error: unknown) => error);
  expect(error).toBeInstanceOf(SchemaUnknown);
  expect((error as Error).message).toMatch(/another version of Holdpoint \(0099-later\.sql\).*RENAME DATABASE/s);
});

test('each table keeps rows as long as configured, and is altered only when that changes', async () => {
  const long = { events: 400 * DAY, calls: 800 * DAY, holds: 800 * DAY, minutes: null };
  await migrate(warehouse.client, { retention: long });
  const kept = () =>
    warehouse.select<{ name: string; ttl: string; changed: string }>(
      `SELECT name, extract(engine_full, 'TTL (.+?) SETTINGS') AS ttl, toString(metadata_modification_time) AS changed
      FROM system.tables WHERE database = 'holdpoint' AND engine LIKE '%MergeTree' ORDER BY name`,
    );
  const before = await kept();
  expect(Object.fromEntries(before.map(({ name, ttl }) => [name, ttl]))).toMatchObject({
    events: 'toDateTime(shipped_at) + toIntervalSecond(34560000)',
    call_states: 'toDateTime(at) + toIntervalSecond(69120000)',
    hold_states: 'toDateTime(opened_at) + toIntervalSecond(69120000)',
    minute_states: '',
    checkpoints: '',
  });
  await migrate(warehouse.client, { retention: long });
  expect(await kept()).toEqual(before);
  await migrate(warehouse.client, { retention: { ...long, minutes: 30 * DAY, holds: null } });
  expect(Object.fromEntries((await kept()).map(({ name, ttl }) => [name, ttl]))).toMatchObject({
    hold_states: '',
    minute_states: 'toDateTime(minute) + toIntervalSecond(2592000)',
  });
});

test('rows older than the retention are deleted, and no others', async () => {
  await migrate(warehouse.client);
  const old = Date.now() - 100 * DAY;
  const now = Date.now();
  const call = (n: number, at: number) => [
    event(n, { at, event_id: `evt_${n}d` }),
    event(n, { at: at + 5, event_id: `evt_${n}c`, type: 'call.completed' }),
    event(n, { at, event_id: `evt_${n}h`, type: 'hold.opened', hold_id: `hold_${n}` }),
  ];
  await warehouse.insert(call(1, old), { at: old });
  await warehouse.insert(call(2, now), { at: now });
  await migrate(warehouse.client, {
    retention: { events: 50 * DAY, calls: 50 * DAY, holds: 50 * DAY, minutes: 50 * DAY },
  });
  const left = async () => [await count('events'), await count('calls'), await count('holds'), await count('minutes')];
  await until(async () => (await left()).join() === '3,1,1,1');
  expect(await warehouse.select('SELECT call_id FROM holdpoint.calls')).toEqual([{ call_id: event(2).call_id }]);
});
