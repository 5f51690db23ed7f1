import { afterAll, beforeAll, expect, test } from 'vitest';
import { isRowFault } from '../../../audit/ship/event-table.ts';
import { migrate } from '../../../audit/clickhouse/migrate.ts';
import { EVENT_FIELDS, type Event, type FieldKind } from '../../../gateway/domain/event.ts';
import { event } from '../events.ts';
import { ARRIVAL, openWarehouse, type Warehouse } from './warehouse.ts';

let warehouse: Warehouse;

beforeAll(async () => {
  warehouse = await openWarehouse();
  await migrate(warehouse.client);
});

afterAll(() => warehouse[Symbol.asyncDispose]());

/** A value of each kind that is hard to keep: the largest, the longest, the one with everything in it. */
const HARD: Readonly<Record<FieldKind, unknown>> = {
  id: 'id-1',
  name: 'it\'s "a" name',
  names: ['a\\b', "c'd", ''],
  text: 'Quote " backslash \\ newline \n tab \t semicolon ; null \0 and é 🙂',
  time: 1_790_000_000_123,
  small: 65_535,
  count: 5_000_000_000,
  amount: 0.1,
  share: 0,
  json: '{"a":"\\n\\"",  "b":[1.10,{"c":null}],\t"d":123456789012345678901234567890}',
};
const everyMember = Object.fromEntries(
  Object.entries(EVENT_FIELDS).map(([name, { kind }]) => [name, HARD[kind]]),
) as Required<Event>;

test('ClickHouse stores every member of an event unchanged', async () => {
  await warehouse.insert([everyMember], { chain: 'chain-whole', from: 7 });
  const names = Object.keys(EVENT_FIELDS).join(', ');
  const [row] = await warehouse.select(
    `SELECT ${names}, toUnixTimestamp64Milli(at) AS at, chain, seq, hash, toUnixTimestamp64Milli(shipped_at) AS shipped_at
    FROM holdpoint.events WHERE chain = 'chain-whole' SETTINGS output_format_json_quote_64bit_integers = 0`,
  );
  expect(row).toEqual({
    ...everyMember,
    chain: 'chain-whole',
    seq: 7,
    hash: expect.stringMatching(/^[0-9a-f]{8}$/),
    shipped_at: ARRIVAL,
  });
});

test('an absent member is stored as the empty value of its kind, and an absent share as absent', async () => {
  await warehouse.insert([{ ...event(1), event_id: 'evt_bare' }]);
  const [row] = await warehouse.select(
    `SELECT session, flags, status, cost, confidence FROM holdpoint.events WHERE event_id = 'evt_bare'`,
  );
  expect(row).toEqual({ session: '', flags: [], status: 0, cost: 0, confidence: null });
});

test('events with malformed text from agents are stored', async () => {
  await warehouse.insert([event(7, { event_id: 'evt_broken', task: 'half a pair \ud800' })]);
  expect(await warehouse.select(`SELECT task FROM holdpoint.events WHERE event_id = 'evt_broken'`)).toEqual([
    { task: 'half a pair \ufffd' },
  ]);
});

test('a batch with an invalid row is refused, with an error that blames the row', async () => {
  const error = await warehouse
    .insert([event(8, { status: 'none' as never }), event(9)])
    .catch((error: unknown) => error);
  expect(isRowFault(error)).toBe(true);
});

test('a repeated batch is dropped, and no other', async () => {
  const count = async () =>
    (await warehouse.select(`SELECT event_id FROM holdpoint.events WHERE event_id LIKE 'evt_000001%'`)).length;
  const delivery = { chain: 'chain-again', from: 1 };
  await warehouse.insert([event(100), event(101)], delivery);
  await warehouse.insert([event(100), event(101)], delivery);
  expect(await count()).toBe(2);
  await warehouse.insert([event(102), event(103)], { chain: 'chain-again', from: 3 });
  expect(await count()).toBe(4);
});
