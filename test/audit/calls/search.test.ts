import { join } from 'node:path';
import type { ClickHouseClient } from '@clickhouse/client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createCallLog } from '../../../audit/calls/call-log.ts';
import { connectClickHouse } from '../../../audit/clickhouse/clickhouse.ts';
import { migrate } from '../../../audit/clickhouse/migrate.ts';
import { startEmbedded, type Embedded } from '../../../audit/clickhouse/start-embedded.ts';
import { eventLine } from '../../../audit/journal/event-line.ts';
import { rowHash, type Checkpoint } from '../../../audit/ledger/ledger.ts';
import { iso } from '../../../gateway/domain/time.ts';
import type { CallFilter, CallLog } from '../../../gateway/domain/call-log.ts';
import { tempFolder, type TempFolder } from '../../helpers/folder.ts';
import { writeRecord } from '../ledger/record.ts';
import { allowed, callAt, holdStep, signer } from './steps.ts';

const DAY = 86_400_000;
const NOW = Date.parse('2026-11-20T12:00:00Z');

let data: TempFolder;
let embedded: Embedded;
let client: ClickHouseClient;
let log: CallLog;
let checkpoints: readonly Checkpoint[];

const odd = `it's "odd"\t\\N {x:String} -- \n`;

beforeAll(async () => {
  data = tempFolder();
  embedded = await startEmbedded({ path: join(data.path, 'clickhouse') });
  client = connectClickHouse(embedded);
  await migrate(client);
  log = createCallLog(client, { clock: () => NOW });
  const held = allowed(NOW - 2000, 'held', {
    verdict: 'hold',
    reason: 'Too much for one.',
    rules: ['rules.payments/large', 'rules.all/new'],
  });
  const events = [
    ...allowed(NOW - 400 * DAY, 'older than a year'),
    ...allowed(NOW - 40 * DAY, 'crm', {
      system: 'crm',
      operation: 'mergeContact',
      owner: 'ben@example.com',
      agent: 'crm-bot',
    }),
    ...allowed(NOW - 3 * DAY, 'failing', { status: 502, code: 'upstream-unreachable', failure: 'system-failed' }),
    ...allowed(NOW - 5000, 'odd', { agent: odd, task: odd, resource: 'refunds/re_1', trace_id: 'abc' }),
    ...allowed(NOW - 4000, 'costly', {
      session: 's-1',
      on_behalf_of: ['acme', 'ana@example.com'],
      path: '/v1/refunds/re_9',
    }),
    held[0]!,
    holdStep(NOW - 2000, 'held', 'hold.opened', { level: 2 }),
    holdStep(NOW - 2000, 'held', 'hold.rejected', { reason: 'The customer has Already been paid.', code: 'duplicate' }),
    { ...held[1]!, hold_id: 'hold_held', status: 403, code: 'rejected' },
  ];
  const tail = allowed(NOW - 3000, 'running').slice(0, 1);
  checkpoints = await writeRecord(client, { chain: 'chain-1', signer, segments: [events], tail });
});
afterAll(async () => {
  await client.close();
  embedded.child.kill('SIGKILL');
  data.remove();
});

async function found(filter: CallFilter): Promise<string[]> {
  const { items, source } = await log.search(filter, { limit: 50 });
  expect(source).toBe('record');
  return items.map(({ decision_id }) => decision_id.slice('dec_'.length));
}

const all = ['held', 'running', 'costly', 'odd', 'failing', 'crm', 'older than a year'];

test('a search finds every call, newest first, however old', async () => {
  expect(await found({})).toEqual(all);
});

test('a search has pages, and new calls do not move them', async () => {
  const pages: string[][] = [];
  let cursor: string | null = null;
  do {
    const page: Awaited<ReturnType<CallLog['search']>> = await log.search({}, { limit: 3, ...(cursor && { cursor }) });
    pages.push(page.items.map(({ decision_id }) => decision_id.slice(4)));
    if (cursor === null) await writeRecord(client, { chain: 'chain-2', signer, segments: [allowed(NOW - 1, 'late')] });
    cursor = page.next;
  } while (cursor !== null);
  await client.command({ query: `DELETE FROM holdpoint.call_states WHERE call_id = '${callAt(NOW - 1, 'late')}'` });
  expect(pages).toEqual([all.slice(0, 3), all.slice(3, 6), all.slice(6)]);
});

test.each<[CallFilter, string[]]>([
  [{ agent: 'crm-bot' }, ['crm']],
  [{ owner: 'ben@example.com' }, ['crm']],
  [{ on_behalf_of: 'acme' }, ['costly']],
  [{ system: 'crm' }, ['crm']],
  [{ operation: 'mergeContact' }, ['crm']],
  [{ path: '/v1/refunds/' }, ['costly']],
  [{ resource: 'refunds/re_1' }, ['odd']],
  [{ verdict: 'hold' }, ['held']],
  [{ rule: 'rules.all/new' }, ['held']],
  [{ session: 's-1' }, ['costly']],
  [{ task: odd }, ['odd']],
  [{ trace_id: 'abc' }, ['odd']],
  [{ status: 502 }, ['failing']],
  [{ code: 'rejected' }, ['held']],
  [{ failure: 'system-failed' }, ['failing']],
  [{ hold_id: 'hold_held' }, ['held']],
  [{ decision_id: 'dec_crm' }, ['crm']],
  [{ policy_revision: 'p2' }, []],
  [{ text: 'too MUCH' }, ['held']],
  [{ text: 'already been paid' }, ['held']],
  [{ from: NOW - 41 * DAY, to: NOW - DAY }, ['failing', 'crm']],
  [{ system: 'payments', verdict: 'allow', from: NOW - 4500 }, ['running', 'costly']],
  [{ agent: `' OR 1 = 1 --` }, []],
])('finds by %o', async (filter, expected) => {
  expect(await found(filter)).toEqual(expected);
});

test('a search result says how a call ended, or that it has not ended yet', async () => {
  const { items } = await log.search({}, { limit: 2 });
  expect(items).toMatchObject([
    { hold_id: 'hold_held', status: 403, code: 'rejected', took_ms: 20, at: new Date(NOW - 2000).toISOString() },
    { hold_id: null, status: null },
  ]);
});

test('the story of a call has all its steps, with the input of the policy', async () => {
  const story = await log.story(callAt(NOW - 2000, 'held'));
  expect(story?.call).toMatchObject({ verdict: 'hold', hold_id: 'hold_held', status: 403 });
  expect(story?.events.map(({ type }) => type)).toEqual([
    'call.decided',
    'hold.opened',
    'hold.rejected',
    'call.completed',
  ]);
  expect(story?.events[0]).toMatchObject({ input: '{"action":{"body":{"amount":1}}}', at: NOW - 2000 });
});

test('the story of a call tells where each step stands in the ledger, and which checkpoint has signed it', async () => {
  const [signed] = checkpoints;
  const story = await log.story(callAt(NOW - 2000, 'held'));
  expect(story?.places.map(({ event_id }) => event_id)).toEqual(story?.events.map(({ event_id }) => event_id));
  const numbers = story!.places.map(({ seq }) => seq);
  expect(story?.places.map(({ chain, hash, checkpoint }) => ({ chain, hash, checkpoint }))).toEqual(
    story?.events.map((event, index) => ({
      chain: 'chain-1',
      hash: rowHash(numbers[index]!, eventLine(event)),
      checkpoint: { first: 1, last: signed!.seq, hash: signed!.hash, key: signed!.key, at: iso(signed!.at) },
    })),
  );
});

test('a step that no checkpoint has signed yet says so', async () => {
  const story = await log.story(callAt(NOW - 3000, 'running'));
  expect(story?.places).toMatchObject([{ chain: 'chain-1', seq: checkpoints[0]!.seq + 1, checkpoint: null }]);
});

test('the story of an unknown call is empty', async () => {
  expect(await log.story(callAt(NOW, 'nobody'))).toBeNull();
});
