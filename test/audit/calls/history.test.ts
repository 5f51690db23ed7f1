import { join } from 'node:path';
import type { ClickHouseClient } from '@clickhouse/client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createCallLog } from '../../../audit/calls/call-log.ts';
import { connectClickHouse } from '../../../audit/clickhouse/clickhouse.ts';
import { migrate } from '../../../audit/clickhouse/migrate.ts';
import { startEmbedded, type Embedded } from '../../../audit/clickhouse/start-embedded.ts';
import type { CallLog } from '../../../gateway/domain/call-log.ts';
import type { Event } from '../../../gateway/domain/event.ts';
import { tempFolder, type TempFolder } from '../../helpers/folder.ts';
import { writeRecord } from '../ledger/record.ts';
import { callAt, signer } from './steps.ts';

const DAY = 86_400_000;
const NOW = 1_790_000_000_000;

let data: TempFolder;
let embedded: Embedded;
let client: ClickHouseClient;
let log: CallLog;

let count = 0;
function step(type: Event['type'], more: Partial<Event>): Event {
  count += 1;
  return {
    event_id: `evt_${count}`,
    at: NOW - DAY,
    node: 'node-1',
    type,
    layer: 'decide',
    agent: 'billing-bot',
    system: 'payments',
    operation: 'createRefund',
    ...more,
  };
}

const idOf = (name: string) => callAt(NOW - DAY, name);

/** One held call, and what became of it. */
function held(name: string, steps: readonly [Event['type'], Partial<Event>?][], more: Partial<Event> = {}): Event[] {
  const ids = { call_id: idOf(name), hold_id: `hold_${name}`, ...more };
  return [
    step('call.decided', { ...ids, hold_id: '', verdict: 'hold', reason: name }),
    ...steps.map(([type, of]) => step(type, { ...ids, actor_kind: 'reviewer', ...of })),
  ];
}

beforeAll(async () => {
  data = tempFolder();
  embedded = await startEmbedded({ path: join(data.path, 'clickhouse') });
  client = connectClickHouse(embedded);
  await migrate(client);
  log = createCallLog(client, { clock: () => NOW });
  const events = [
    ...held('a', [['hold.opened'], ['hold.voted'], ['hold.approved'], ['hold.executed', { status: 200 }]]),
    ...held('b', [['hold.edited'], ['hold.voted'], ['hold.approved']]),
    ...held('c', [['hold.rejected']]),
    ...held('d', [['hold.taken-over']]),
    // Nobody decided on these.
    ...held('e', [['hold.expired', { actor_kind: 'gateway' }]]),
    ...held('f', [['hold.approved', { actor_kind: 'gateway' }]]),
    // These are others.
    ...held('g', [['hold.approved']], { at: NOW - 31 * DAY }),
    ...held('h', [['hold.approved']], { operation: 'createPayout' }),
    ...held('i', [['hold.approved']], { agent: 'mail-bot' }),
    ...held('j', [['hold.approved']], { system: 'mail' }),
  ];
  await writeRecord(client, { chain: 'chain-1', signer, segments: [events] });
});

afterAll(async () => {
  await client.close();
  embedded.child.kill('SIGKILL');
  data.remove();
});

const like = { agent: 'billing-bot', system: 'payments', operation: 'createRefund', except: 'call_x' };
const patience = () => AbortSignal.timeout(30_000);

test('a history counts similar calls of 30 days, and how people decided on them', async () => {
  expect(await log.history(like, patience())).toMatchObject({ similar_30d: 6, approved_unchanged_rate: 0.25 });
});

test('a history leaves out its own call', async () => {
  const { similar_30d, approved_unchanged_rate, recent_calls } = await log.history(
    { ...like, except: idOf('a') },
    patience(),
  );
  expect({ similar_30d, approved_unchanged_rate }).toEqual({ similar_30d: 5, approved_unchanged_rate: 0 });
  expect(recent_calls.map(({ call_id }) => call_id)).not.toContain(idOf('a'));
});

test('a history has the last calls of the agent, of any kind', async () => {
  const { recent_calls } = await log.history(like, patience());
  expect(recent_calls.map(({ call_id }) => call_id)).toEqual(['j', 'h', 'f', 'e', 'd'].map(idOf));
});

test('a history has no rate without decisions, and is empty for an agent that never called', async () => {
  expect(await log.history({ ...like, operation: 'listRefunds' }, patience())).toMatchObject({
    similar_30d: 0,
    approved_unchanged_rate: null,
  });
  expect(await log.history({ ...like, agent: 'new-bot' }, patience())).toEqual({
    similar_30d: 0,
    approved_unchanged_rate: null,
    recent_calls: [],
  });
});

test('a history query stops when it is aborted', async () => {
  const patience = new AbortController();
  const asked = log.history(like, patience.signal);
  patience.abort();
  await expect(asked).rejects.toThrow('aborted');
});
