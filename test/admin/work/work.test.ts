import { afterEach, beforeEach, expect, test } from 'vitest';
import { createWorkDone } from '../../../admin/work/work-done.ts';
import { createWorkNow } from '../../../admin/work/work-now.ts';
import type { Work } from '../../../admin/work/work-route.ts';
import { RunningCalls } from '../../../gateway/agents/running-calls.ts';
import type { ReportResult, ReportRow } from '../../../gateway/domain/report.ts';
import { addUp, MOST_IN_FLIGHT, type InFlight } from '../../../gateway/domain/work.ts';
import { openDesk, type Desk } from '../desk.ts';

const KEY = { owner: 'ana@example.com', agent: 'billing-bot', system: 'payments', operation: 'refund' };
const NOTHING: InFlight = { work: [], others: 0 };
const log = { info() {}, error() {} };

let desk: Desk;
let rows: readonly ReportRow[] | null = [];
let asked: { name: string; given: Readonly<Record<string, string>> }[] = [];

/** Reports that answer with `rows`, or not at all. */
const reports = {
  list: () => [],
  async run(name: string, given: Readonly<Record<string, string>>) {
    asked.push({ name, given });
    if (rows === null) throw new Error('ClickHouse is away');
    return {
      rows: rows.filter((row) => ('cost' in row ? name === 'cost' : name === 'work-executed')),
    } as unknown as ReportResult;
  },
};

beforeEach(async () => {
  rows = [];
  asked = [];
  desk = await openDesk({ reports });
});
afterEach(() => desk.close());

const work = async (path = '/api/work') => (await desk.get(path, 'eve')).json as Work;

test('held calls are counted under the name of their operation on record, and handoffs are not', async () => {
  await desk.hold('{"amount":1}');
  await desk.hold('{"amount":2}', {}, { onRecord: { operation: 'refund [masked]', path: '/', resource: '' } });
  await desk.handoff('exception');
  expect((await work()).items.map(({ operation, held }) => [operation, held])).toEqual([
    ['createRefund', 1],
    ['refund [masked]', 1],
  ]);
});

test('without the record, what happens now is told, and that the rest is missing', async () => {
  await desk.hold();
  rows = null;
  expect(await work()).toMatchObject({ items: [{ held: 1, executed: 0, costs: [] }], missing: ['record'] });
});

test('what was done and cost is put beside what happens now, with one amount for each unit', async () => {
  rows = [
    { ...KEY, executed: 3, failed: 2, blocked: 1 },
    { ...KEY, cost_unit: 'EUR', cost: 1.5 },
    { ...KEY, cost_unit: 'USD', cost: 2 },
  ];
  expect((await work('/api/work?since=2026-01-01T00:00:00Z')).items).toEqual([
    {
      ...KEY,
      in_flight: 0,
      calls: [],
      held: 0,
      executed: 3,
      failed: 2,
      blocked: 1,
      costs: [
        { unit: 'EUR', amount: 1.5 },
        { unit: 'USD', amount: 2 },
      ],
    },
  ]);
  expect(asked.map(({ given }) => given)).toEqual(
    Array.from({ length: 2 }, () => ({ by: 'each', from: '2026-01-01T00:00:00.000Z' })),
  );
});

test('however many people watch, workers are asked once a second and the record every five', async () => {
  let looks = 0;
  let now = 1_000_000;
  const clock = () => now;
  const inFlight = async () => ({ ...NOTHING, others: (looks += 1), complete: true });
  const see = createWorkNow({ inFlight, holds: desk.store.holds, log, clock });
  const read = createWorkDone({ reports, log, clock });
  await Promise.all([see(), see(), read(0), read(0)]);
  now += 999;
  await Promise.all([see(), read(0)]);
  expect([looks, asked.length]).toEqual([1, 2]);
  now += 1;
  await Promise.all([see(), read(0)]);
  expect([looks, asked.length]).toEqual([2, 2]);
  now += 4_000;
  await Promise.all([see(), read(0), read(0)]);
  expect([looks, asked.length]).toEqual([3, 4]);
  await read(1);
  expect(asked).toHaveLength(6);
});

test('a worker that does not answer, and kinds of work that are left out, are told', async () => {
  const see = (of: InFlight & { complete: boolean }) =>
    createWorkNow({ inFlight: async () => of, holds: desk.store.holds, log, clock: Date.now })();
  expect(await see({ ...NOTHING, complete: false })).toMatchObject({ missing: ['in-flight'], is_cut: false });
  expect(await see({ ...NOTHING, others: 1, complete: true })).toMatchObject({ missing: [], is_cut: true });
  const away = { list: () => Promise.reject(new Error('the store is away')) } as never;
  const without = createWorkNow({ inFlight: () => Promise.reject(new Error('no')), holds: away, log, clock: Date.now });
  expect(await without()).toMatchObject({ items: [], missing: ['in-flight', 'held'] });
});

test("of several workers' calls the longest-running are listed", () => {
  const one = (...ats: number[]) => ({
    work: [{ ...KEY, count: ats.length, calls: ats.map((at) => ({ id: `call_${at}`, at })) }],
    others: 1,
  });
  expect(addUp([one(1, 4, 6), one(2, 3, 5, 7)])).toEqual({
    work: [{ ...KEY, count: 7, calls: [1, 2, 3, 4, 5].map((at) => ({ id: `call_${at}`, at })) }],
    others: 2,
  });
});

/** A request that is being served, with calls of these operations. */
function begun(running: RunningCalls, operations: readonly string[], { listens = false, input = '{}' } = {}): void {
  const caller = { principal: { agent: KEY.agent, owner: KEY.owner }, system: { name: KEY.system } };
  const calls = operations.map((operation) => ({ call: { id: `call_${operation}`, operation, input } }));
  running.callBegan({ caller, calls, receivedAt: 5, reply: { listens } } as never);
}

test('streams on which a client listens, and calls at a hold, are no work in flight; each call of a batch is', () => {
  const running = new RunningCalls();
  begun(running, ['list'], { listens: true });
  begun(running, ['refund'], { input: '' });
  begun(running, ['read', 'write', 'read']);
  running.callBegan({ caller: null, calls: [], receivedAt: 5, reply: { listens: false } } as never);
  const { work, others } = running.inFlight(({ operation }) => operation.toUpperCase());
  expect([work.map(({ operation, count }) => [operation, count]), others]).toEqual([
    [
      ['READ', 2],
      ['WRITE', 1],
    ],
    0,
  ]);
});

test('of more kinds of work than are told, the calls are counted', () => {
  const running = new RunningCalls();
  for (let i = 0; i < MOST_IN_FLIGHT + 3; i += 1) begun(running, [`operation ${i}`]);
  begun(running, ['operation 0']);
  const { work, others } = running.inFlight(({ operation }) => operation);
  expect([work.length, work[0]?.count, others]).toEqual([MOST_IN_FLIGHT, 2, 3]);
});
