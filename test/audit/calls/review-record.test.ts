import { afterAll, beforeAll, expect, test } from 'vitest';
import { createReviewRecord } from '../../../audit/calls/review-record.ts';
import { migrate } from '../../../audit/clickhouse/migrate.ts';
import type { Event } from '../../../gateway/domain/event.ts';
import type { ReviewRecord } from '../../../gateway/domain/review-record.ts';
import { openWarehouse, type Warehouse } from '../clickhouse/warehouse.ts';

const DAY = 86_400_000;
const NOW = 1_790_000_000_000;

let warehouse: Warehouse;
let record: ReviewRecord;

let count = 0;
/** One hold from its steps, each so many milliseconds after the first. */
function held(
  name: string,
  steps: readonly (readonly [after: number, type: Event['type'], more?: Partial<Event>])[],
  more: Partial<Event> = {},
): Event[] {
  const { at: opened = NOW - DAY } = more;
  return steps.map(([after, type, of]) => ({
    event_id: `evt_${String((count += 1)).padStart(6, '0')}`,
    node: 'gw-1',
    type,
    layer: 'decide',
    call_id: `call_${name}`,
    hold_id: `hold_${name}`,
    agent: 'billing-bot',
    owner: 'ana@example.com',
    system: 'payments',
    operation: 'createRefund',
    rules: ['rules.payments/refund-over-limit'],
    actor_kind: type === 'hold.opened' ? 'gateway' : 'reviewer',
    actor: type === 'hold.opened' ? 'holdpoint' : 'ben@example.com',
    ...more,
    at: opened + after,
    held_ms: after,
    ...of,
  }));
}

beforeAll(async () => {
  warehouse = await openWarehouse();
  await migrate(warehouse.client);
  record = createReviewRecord(warehouse.client, () => NOW);
  const cleo = { actor: 'cleo@example.com' };
  await warehouse.insert([
    ...held('a', [
      [0, 'hold.opened'],
      [4_000, 'hold.voted'],
      [4_000, 'hold.approved'],
    ]),
    ...held(
      'b',
      [
        [0, 'hold.opened'],
        [9_000, 'hold.edited', cleo],
        [9_000, 'hold.voted', cleo],
        [10_000, 'hold.voted'],
        [10_000, 'hold.approved'],
      ],
      { at: NOW - DAY + 1_000 },
    ),
    ...held('c', [
      [0, 'hold.opened'],
      [60_000, 'hold.rejected', { code: 'other' }],
    ]),
    ...held(
      'd',
      [
        [0, 'hold.opened'],
        [5_000, 'hold.taken-over', cleo],
      ],
      { agent: 'mail-bot' },
    ),
    // A grant approved it.
    ...held('e', [
      [0, 'hold.opened'],
      [0, 'hold.approved', { actor: 'grant_1', actor_kind: 'gateway' }],
    ]),
    // It waits.
    ...held('f', [[0, 'hold.opened']]),
    // These are others: too old, another operation, another agent, rule and system.
    ...held('g', [[0, 'hold.approved']], { at: NOW - 31 * DAY }),
    ...held('h', [[2_000, 'hold.approved']], { operation: 'createPayout', rules: ['rules.payments/payout'] }),
    ...held('i', [[2_000, 'hold.approved']], { agent: 'x', system: 'crm', rules: ['rules.crm/x'] }),
  ]);
}, 120_000);

afterAll(async () => {
  await warehouse[Symbol.asyncDispose]();
});

const patience = () => AbortSignal.timeout(30_000);
const LIKE = {
  hold: 'hold_x',
  agent: 'billing-bot',
  system: 'payments',
  operation: 'createRefund',
  rule: 'rules.payments/refund-over-limit',
};

test('numbers of a hold count what people decided on its operation, its agent and its rule', async () => {
  expect(await record.numbers(LIKE, patience())).toEqual({
    similar: {
      decided: 4,
      unchanged: 1,
      last: [
        { hold: 'hold_c', at: NOW - DAY + 60_000, by: 'ben@example.com', took: 60_000, result: 'rejected' },
        { hold: 'hold_b', at: NOW - DAY + 11_000, by: 'ben@example.com', took: 10_000, result: 'edited' },
        { hold: 'hold_d', at: NOW - DAY + 5_000, by: 'cleo@example.com', took: 5_000, result: 'taken-over' },
        { hold: 'hold_a', at: NOW - DAY + 4_000, by: 'ben@example.com', took: 4_000, result: 'approved' },
      ],
    },
    agent: { decided: 4, unchanged: 2 },
    rule: { hits: 6, decided: 4, approved: 2 },
  });
});

test('numbers of a hold leave the hold itself out, and are zero where nothing was decided', async () => {
  const { similar, rule } = await record.numbers({ ...LIKE, hold: 'hold_c' }, patience());
  expect({ decided: similar.decided, last: similar.last[0]?.hold, hits: rule.hits }).toEqual({
    decided: 3,
    last: 'hold_b',
    hits: 5,
  });
  expect(await record.numbers({ hold: '', agent: 'y', system: 'y', operation: 'y', rule: 'y' }, patience())).toEqual({
    similar: { decided: 0, unchanged: 0, last: [] },
    agent: { decided: 0, unchanged: 0 },
    rule: { hits: 0, decided: 0, approved: 0 },
  });
});

test('only the last five decisions are listed', async () => {
  const more = Array.from({ length: 6 }, (_none, n) =>
    held(`many${n}`, [[1_000 * n, 'hold.approved']], { operation: 'createNote', rules: [] }),
  );
  await warehouse.insert(more.flat());
  const { similar } = await record.numbers({ ...LIKE, operation: 'createNote', rule: '' }, patience());
  expect(similar.decided).toBe(6);
  expect(similar.last.map(({ hold }) => hold)).toEqual([5, 4, 3, 2, 1].map((n) => `hold_many${n}`));
});

test('own numbers count the decisions of one person alone, with each vote', async () => {
  expect(await record.own('ben@example.com', patience())).toEqual({
    decisions: 3,
    unchanged: 1,
    underFiveSeconds: 1,
    median: 10_000,
  });
  expect(await record.own('cleo@example.com', patience())).toMatchObject({ decisions: 2, unchanged: 0 });
  expect(await record.own('nobody@example.com', patience())).toEqual({
    decisions: 0,
    unchanged: 0,
    underFiveSeconds: 0,
    median: null,
  });
});

test('the steps of one hold come in their order, and no others', async () => {
  const of = { hold: 'hold_b', agent: 'billing-bot', system: 'payments', call: 'call_b' };
  const steps = await record.steps(of, patience());
  expect(steps.map(({ type, actor }) => [type, actor])).toEqual([
    ['hold.opened', 'holdpoint'],
    ['hold.edited', 'cleo@example.com'],
    ['hold.voted', 'cleo@example.com'],
    ['hold.voted', 'ben@example.com'],
    ['hold.approved', 'ben@example.com'],
  ]);
  expect(await record.steps({ ...of, call: 'call_z' }, patience())).toEqual([]);
});

test('a query of the record stops when it is aborted', async () => {
  const stop = new AbortController();
  const asked = record.numbers(LIKE, stop.signal);
  stop.abort();
  await expect(asked).rejects.toThrow('aborted');
});
