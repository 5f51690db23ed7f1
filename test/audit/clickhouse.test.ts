import { once } from 'node:events';
import { join } from 'node:path';
import type { ClickHouseClient } from '@clickhouse/client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createCallLog } from '../../audit/call-log.ts';
import { connectClickHouse, migrate } from '../../audit/clickhouse.ts';
import { insertEvents, isRowFault } from '../../audit/event-table.ts';
import type { Embedded } from '../../audit/start-embedded.ts';
import { startEmbedded } from '../../audit/start-embedded.ts';
import type { Event } from '../../gateway/domain/event.ts';
import { event, temporaryFolder } from './ledger.ts';

let data: Awaited<ReturnType<typeof temporaryFolder>>;
let embedded: Embedded;
let client: ClickHouseClient;
let token = 0;

beforeAll(async () => {
  data = await temporaryFolder();
  embedded = await startEmbedded({ path: join(data.path, 'clickhouse') });
  client = connectClickHouse(embedded);
});

afterAll(async () => {
  await client.close();
  const exited = once(embedded.child, 'exit');
  embedded.child.kill('SIGTERM');
  await exited;
  await data[Symbol.asyncDispose]();
});

async function insert(events: readonly Event[], at = 1_790_000_500_000, as = `test-${(token += 1)}`): Promise<void> {
  const rows = events.map((one) => Buffer.from(JSON.stringify(one)));
  await insertEvents(client, { rows, at, token: as, signal: new AbortController().signal });
}

async function select<Row>(query: string): Promise<Row[]> {
  return (await client.query({ query, format: 'JSONEachRow' })).json<Row>();
}

const everyMember: Required<Event> = {
  event_id: 'evt_whole',
  at: 1_790_000_000_123,
  node: 'node-1',
  type: 'hold.voted',
  layer: 'decide',
  decision_id: 'dec_1',
  call_id: 'call_whole',
  hold_id: 'hold_1',
  agent: 'billing-bot',
  owner: 'ana@example.com',
  on_behalf_of: ['carl@example.com'],
  session: 's-1',
  task: 'T-1',
  system: 'payments',
  operation: 'POST /v1/refunds',
  method: 'POST',
  path: '/v1/refunds',
  resource: 'refund',
  verdict: 'hold',
  rules: ['rules.payments/refund-over-limit', 'rules.all/odd-hours'],
  trigger: 'rule',
  reason: 'Quote " backslash \\ newline \n semicolon ; and é',
  policy_revision: 'abc',
  actor: 'rev@example.com',
  actor_kind: 'reviewer',
  channel: 'api',
  status: 403,
  code: 'wrong-amount',
  decide_us: 12.5,
  upstream_ms: 0.25,
  held_ms: 1_800_000.5,
  request_bytes: 334,
  response_bytes: 5_000_000_000,
  confidence: 0.5,
  flags: ['first-time', 'large'],
  trace_id: '4bf92f3577b34da6a3ce929d0e0e4736',
};

test('migrates an empty ClickHouse once and changes nothing when repeated', async () => {
  expect(await migrate(client)).toContain('0001-events.sql');
  await insert([event(0)]);
  expect(await migrate(client)).toEqual([]);
  // As after a crash between a statement and its record, and as two nodes at once.
  await client.command({ query: 'TRUNCATE TABLE holdpoint.schema_migrations' });
  await Promise.all([migrate(client), migrate(client)]);
  expect(await migrate(client)).toEqual([]);
  expect(await select(`SELECT event_id FROM holdpoint.events`)).toEqual([{ event_id: event(0).event_id }]);
});

test('stores every member of an event as it was, with its time in UTC and the time of arrival', async () => {
  await insert([everyMember]);
  const [row] = await select<Record<string, unknown>>(
    `SELECT *, toUnixTimestamp64Milli(at) AS at_ms FROM holdpoint.events WHERE event_id = 'evt_whole'`,
  );
  const { shipped_at, at_ms, at, response_bytes, ...members } = row!;
  const { at: givenAt, response_bytes: givenBytes, ...given } = everyMember;
  expect(members).toEqual(given);
  expect(Number(at_ms)).toBe(givenAt);
  expect(Number(response_bytes)).toBe(givenBytes);
  expect(at).toBe('2026-09-21 14:13:20.123');
  expect(shipped_at).toBe('2026-09-21 14:21:40.000');
});

test('stores events with broken text from agents, and refuses those with members that have no column', async () => {
  await insert([event(7, { event_id: 'evt_broken', task: 'half a pair \ud800' })]);
  expect(await select(`SELECT event_id FROM holdpoint.events WHERE event_id = 'evt_broken'`)).toHaveLength(1);
  const error = await insert([event(8, { surprise: 1 } as Partial<Event>)]).catch((error: unknown) => error);
  expect(isRowFault(error)).toBe(true);
});

test('drops a batch that comes again under its token, whole or not, and no other batch', async () => {
  await insert([event(100), event(101)], 1_790_000_500_000, 'same');
  await insert([event(100), event(101)], 1_790_000_500_000, 'same');
  // After a power failure the journal may have lost the end of a batch that was sent.
  await insert([event(100)], 1_790_000_500_000, 'same');
  const stored = `SELECT event_id FROM holdpoint.events WHERE event_id IN ('evt_00000100', 'evt_00000101') ORDER BY 1`;
  expect(await select(stored)).toEqual([{ event_id: 'evt_00000100' }, { event_id: 'evt_00000101' }]);
  await insert([event(100), event(101)], 1_790_000_500_000, 'other');
  expect(await select(stored)).toHaveLength(4);
});

test('lists calls newest first, one row each, page by page, with what became of them', async () => {
  await client.command({ query: 'TRUNCATE TABLE holdpoint.events' });
  const calls: Event[] = [];
  for (let n = 0; n < 25; n++) {
    const call = { agent: n % 2 ? 'billing-bot' : 'mail-bot', system: 'payments', verdict: 'allow' as const };
    calls.push(event(n, { ...call, rules: ['rules.payments/small'], reason: `number ${n}` }));
    if (n < 24) {
      calls.push(
        event(n, { ...call, event_id: `evt_done_${n}`, type: 'call.completed', layer: 'execute', status: 200 + n }),
      );
    }
  }
  // A held call is decided again when it is released.
  const held = event(25, { verdict: 'hold', hold_id: 'hold_25', rules: ['rules.payments/large'] });
  calls.push(held, { ...held, event_id: 'evt_again', at: held.at + 5000, verdict: 'allow' });
  await insert(calls);
  const log = createCallLog(client);
  const pages = [];
  let cursor: string | null = null;
  do {
    const page = await log.recent({ limit: 10, ...(cursor === null ? {} : { cursor }) });
    pages.push(page);
    cursor = page.next;
    // What arrives later does not disturb the pages that follow.
    if (pages.length === 1) await insert([event(26)]);
  } while (cursor !== null);
  expect(pages.map(({ items }) => items.length)).toEqual([10, 10, 6]);
  const items = pages.flatMap(({ items }) => items);
  expect(items.map(({ call_id }) => call_id)).toEqual(Array.from({ length: 26 }, (_, n) => event(25 - n).call_id));
  expect(items[0]).toMatchObject({
    verdict: 'hold',
    hold_id: 'hold_25',
    status: null,
    rules: ['rules.payments/large'],
  });
  expect(items[1]).toMatchObject({ status: null, hold_id: null });
  expect(items[2]).toMatchObject({ status: 223, reason: 'number 23', at: new Date(event(23).at).toISOString() });
});

test('filters calls by agent, system and verdict, and takes every filter as a value, never as SQL', async () => {
  await client.command({ query: 'TRUNCATE TABLE holdpoint.events' });
  const odd = `it's "odd"\t\\N {x:String} -- \n`;
  await insert([event(1, { agent: odd }), event(2, { system: 'crm' }), event(3, { verdict: 'block' })]);
  const log = createCallLog(client);
  const found = async (filter: Omit<Parameters<typeof log.recent>[0], 'limit'>) =>
    (await log.recent({ ...filter, limit: 10 })).items.map(({ call_id }) => call_id);
  expect(await found({ agent: odd })).toEqual([event(1).call_id]);
  expect(await found({ system: 'crm' })).toEqual([event(2).call_id]);
  expect(await found({ verdict: 'block' })).toEqual([event(3).call_id]);
  expect(await found({ agent: `' OR 1 = 1 --` })).toEqual([]);
});
