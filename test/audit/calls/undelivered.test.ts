import { generateKeyPairSync } from 'node:crypto';
import { createServer, type Server } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createCallLog } from '../../../audit/calls/call-log.ts';
import { createJournalTail } from '../../../audit/calls/journal-tail.ts';
import { connectClickHouse } from '../../../audit/clickhouse/clickhouse.ts';
import { openJournal } from '../../../audit/journal/journal.ts';
import { createSigner } from '../../../audit/ledger/ledger.ts';
import type { CallLog } from '../../../gateway/domain/call-log.ts';
import { tempFolder, type TempFolder } from '../../helpers/folder.ts';
import { allowed, callAt, holdStep } from './steps.ts';

const NOW = Date.parse('2026-11-20T12:00:00Z');
const signer = createSigner(generateKeyPairSync('ed25519').privateKey);

let folder: TempFolder;
let away: Server;
let client: ReturnType<typeof connectClickHouse>;
let log: CallLog;

/** Two workers' journals, the outbox of the store, and a ClickHouse that takes no connections. */
beforeEach(async () => {
  folder = tempFolder();
  away = createServer((socket) => socket.destroy()).listen(0, '127.0.0.1');
  await once(away, 'listening');
  const { port } = away.address() as { port: number };
  client = connectClickHouse({ url: `http://127.0.0.1:${port}` });
  log = createCallLog(client, {
    undelivered: {
      journals: createJournalTail(folder.path),
      outbox: async () => [holdStep(NOW - 2000, 'held', 'hold.opened', { level: 2, reason: 'Too much for one.' })],
    },
    clock: () => NOW,
  });
  const held = allowed(NOW - 2000, 'held', { verdict: 'hold', reason: 'Too much for one.' }).slice(0, 1);
  for (const [name, events] of [
    ['worker-0', [...allowed(NOW - 5000, 'early'), ...held]],
    ['worker-1', allowed(NOW - 3000, 'late', { system: 'crm' })],
  ] as const) {
    const journal = await openJournal({ dir: join(folder.path, name), node: 'gw-1', signer, limit: 2 ** 24 });
    for (const event of events) journal.append(event);
    await journal.close();
  }
});
afterEach(async () => {
  await client.close();
  away.close();
  folder.remove();
});

const namesOf = ({ items }: Awaited<ReturnType<CallLog['search']>>) =>
  items.map(({ decision_id }) => decision_id.slice(4));

test('undelivered calls are found while ClickHouse is away, and the answer says that earlier ones are missing', async () => {
  const found = await log.search({}, { limit: 10 });
  expect(found.source).toBe('journal');
  expect(namesOf(found)).toEqual(['held', 'late', 'early']);
  expect(found.items[0]).toMatchObject({ hold_id: 'hold_held', status: null });
  expect(found.items[2]).toMatchObject({ status: 200, took_ms: 20 });
});

test('undelivered calls are searched and paged like delivered ones', async () => {
  expect(namesOf(await log.search({ system: 'crm' }, { limit: 10 }))).toEqual(['late']);
  expect(namesOf(await log.search({ text: 'too MUCH' }, { limit: 10 }))).toEqual(['held']);
  expect(namesOf(await log.search({ from: NOW - 4000, to: NOW - 2500 }, { limit: 10 }))).toEqual(['late']);
  const first = await log.search({}, { limit: 2 });
  expect(namesOf(first)).toEqual(['held', 'late']);
  expect(namesOf(await log.search({}, { limit: 2, cursor: first.next! }))).toEqual(['early']);
});

test('the story of an undelivered call includes the steps of its hold', async () => {
  const story = await log.story(callAt(NOW - 2000, 'held'));
  expect(story).toMatchObject({ source: 'journal', call: { verdict: 'hold' } });
  expect(story?.events.map(({ type }) => type)).toEqual(['call.decided', 'hold.opened']);
});

test('the input of an undelivered call is the text that was recorded, in lines of every version', async () => {
  const input = '{"action":{"body":{"amount": 1.00,  "id":123456789012345678901234567890}}}';
  const journal = await openJournal({ dir: join(folder.path, 'worker-2'), node: 'gw-1', signer, limit: 2 ** 24 });
  for (const version of [1, 2]) {
    const [decided] = allowed(NOW, `version-${version}`);
    journal.append({ ...decided!, version, input, masked: ['/action/query/key'] });
  }
  await journal.close();
  for (const version of [1, 2]) {
    const story = await log.story(callAt(NOW, `version-${version}`));
    expect(story?.events).toMatchObject([{ version, input, masked: ['/action/query/key'] }]);
  }
});

test('whether an unknown call exists cannot be answered while ClickHouse is away', async () => {
  await expect(log.story(callAt(NOW - 86_400_000, 'earlier'))).rejects.toThrow();
});
