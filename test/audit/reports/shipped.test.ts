import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { migrate } from '../../../audit/clickhouse/migrate.ts';
import { createReports, loadReports } from '../../../audit/reports/reports.ts';
import { parseReport } from '../../../audit/reports/report-header.ts';
import type { ReportRow, Reports, ReportValue, Unit } from '../../../gateway/domain/report.ts';
import { openWarehouse, type Warehouse } from '../clickhouse/warehouse.ts';
import { MARCH, smallMonth } from './small-month.ts';

const NOW = Date.parse('2026-04-01T00:00:00Z');
const shipped = await loadReports();
const NAMES = shipped.map(({ header }) => header.name);

let warehouse: Warehouse;
let reports: Reports;
const before = { nothing: [] as string[], empty: [] as string[] };

/** Names of the reports that answer with no rows. */
async function withoutRows(): Promise<string[]> {
  const answers = await Promise.all(NAMES.map((name) => reports.run(name, MARCH)));
  return answers.filter(({ rows }) => rows.length === 0).map(({ name }) => name);
}

beforeAll(async () => {
  warehouse = await openWarehouse();
  reports = createReports(warehouse.client, shipped, { clock: () => NOW });
  before.nothing = await withoutRows();
  await migrate(warehouse.client);
  before.empty = await withoutRows();
  await warehouse.insert(smallMonth);
});
afterAll(() => warehouse[Symbol.asyncDispose]());

async function rows(name: string, given: Readonly<Record<string, string>> = {}): Promise<readonly ReportRow[]> {
  return (await reports.run(name, { ...MARCH, ...given })).rows;
}

test('no report has rows before an event is recorded, or before the tables exist', () => {
  expect(before).toEqual({ nothing: NAMES, empty: NAMES });
});

test.each(NAMES)('report %s answers with its declared columns, and with values of their kind', async (name) => {
  const { columns, rows, statistics } = await reports.run(name, { ...MARCH, ...LOW[name] });
  expect(rows.length).toBeGreaterThan(0);
  expect(statistics.rows_read).toBeGreaterThan(0);
  for (const row of rows) {
    expect(Object.keys(row)).toEqual(columns.map((column) => column.name));
    for (const { name, unit } of columns)
      expect(isOf(unit, row[name] ?? null), `${name}: ${JSON.stringify(row[name])} as ${unit}`).toBe(true);
  }
});

function isOf(unit: Unit, value: ReportValue): boolean {
  if (unit === 'names') return Array.isArray(value);
  if (unit === 'text') return typeof value === 'string';
  if (value === null) return true;
  if (unit === 'time') return /^\d{4}-\d\d-\d\dT[\d:.]+Z$/.test(String(value));
  return typeof value === 'number' && (unit !== 'share' || value <= 1);
}

/** Thresholds for a month in which little happens. */
const LOW: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'autonomy-candidates': { decisions: '5', unchanged: '0.6' },
  'rubber-stamping': { decisions: '3' },
  'missed-holds': { rejections: '2' },
};

describe('reports over a month of known events are exact', () => {
  test('work-executed counts calls by agent and owner', async () => {
    expect(await rows('work-executed', { by: 'agent' })).toEqual([
      {
        owner: '',
        agent: 'billing-bot',
        system: '',
        operation: '',
        calls: 17,
        allowed: 6,
        held: 11,
        blocked: 0,
        executed: 13,
        failed: 1,
        executed_share: 13 / 17,
      },
      {
        owner: '',
        agent: 'mail-bot',
        system: '',
        operation: '',
        calls: 5,
        allowed: 1,
        held: 0,
        blocked: 4,
        executed: 1,
        failed: 1,
        executed_share: 0.2,
      },
    ]);
  });

  test('work-executed and cost, told for each operation of each agent, add up to what they tell for each agent', async () => {
    for (const [name, value] of [
      ['work-executed', 'executed'],
      ['cost', 'cost'],
    ] as const) {
      const sums = (of: Awaited<ReturnType<typeof rows>>) =>
        Object.fromEntries(
          [...Map.groupBy(of, ({ agent }) => String(agent))]
            .map(([agent, own]) => [agent, own.reduce((sum, row) => sum + Number(row[value]), 0)] as const)
            .toSorted(),
        );
      const each = await rows(name, { by: 'each' });
      expect(each.every((row) => [row['owner'], row['system'], row['operation']].every((text) => text !== ''))).toBe(
        true,
      );
      expect(sums(each)).toEqual(sums(await rows(name, { by: 'agent' })));
    }
  });

  test('agents counts verdicts and levels, and tells when each agent called last', async () => {
    expect(await rows('agents')).toEqual([
      {
        agent: 'billing-bot',
        owner: 'ana@example.com',
        calls: 17,
        allowed: 6,
        held: 11,
        blocked: 0,
        to_approve: 11,
        to_take_over: 0,
        last_at: '2026-03-22T10:00:00.000Z',
      },
      {
        agent: 'mail-bot',
        owner: 'ben@example.com',
        calls: 5,
        allowed: 1,
        held: 0,
        blocked: 4,
        to_approve: 0,
        to_take_over: 0,
        last_at: '2026-03-31T10:01:00.000Z',
      },
    ]);
    expect((await rows('agents', { system: 'mail' })).map(({ agent }) => agent)).toEqual(['mail-bot']);
  });

  test('verdicts-over-time fills points without calls', async () => {
    const days = await rows('verdicts-over-time', { step: '1d' });
    expect(days).toHaveLength(29);
    expect(days[0]).toEqual({ at: '2026-03-03T00:00:00Z', calls: 3, allowed: 2, held: 1, blocked: 0 });
    expect(days[3]).toMatchObject({ at: '2026-03-06T00:00:00Z', calls: 0 });
    expect(days.at(-2)).toMatchObject({ at: '2026-03-30T00:00:00Z', blocked: 3 });
    // Weeks begin on Monday.
    expect((await rows('verdicts-over-time', { step: '7d' })).map(({ at }) => at)).toContain('2026-03-09T00:00:00Z');
  });

  test('hold-outcomes counts the outcomes of each rule', async () => {
    expect(await rows('hold-outcomes')).toMatchObject([
      {
        rule: 'rules.payments/refund',
        operation: 'createRefund',
        holds: 11,
        approved: 8,
        edited: 1,
        rejected: 2,
        expired: 1,
        approved_share: 0.8,
      },
    ]);
  });

  test('decision-times counts decisions of people only', async () => {
    const all = { holds: 10, decided: 9, waiting: 0, p50_ms: 120_000, longest_ms: 1_200_000 };
    expect(await rows('decision-times')).toMatchObject([
      { group: '(all)', ...all },
      { group: 'finance', ...all },
    ]);
  });

  test('service-levels counts late decisions', async () => {
    expect((await rows('service-levels'))[1]).toEqual({
      group: 'finance',
      holds: 10,
      breached: 4,
      waiting: 0,
      breached_share: 0.4,
      asked_ms: 600_000,
      late_p50_ms: 600_000,
    });
  });

  test('escalations counts holds that escalated', async () => {
    expect(await rows('escalations')).toEqual([
      {
        rule: 'rules.payments/refund',
        group: 'finance',
        holds: 11,
        escalated: 1,
        escalated_share: 1 / 11,
        by_people: 0,
        until_p50_ms: 600_000,
        approved: 0,
        rejected: 0,
        expired: 1,
      },
    ]);
  });

  test('first-contact-resolution leaves out second attempts', async () => {
    expect(await rows('first-contact-resolution', { owner: 'ana@example.com' })).toEqual([
      {
        owner: 'ana@example.com',
        agent: '',
        system: '',
        attempts: 16,
        allowed: 5,
        approved_unchanged: 7,
        resolved: 12,
        resolved_share: 0.75,
        repeats: 1,
      },
    ]);
  });

  test('rejections has the prevention of each code', async () => {
    const [only, ...others] = await rows('rejections');
    expect(others).toEqual([]);
    expect(only).toMatchObject({
      code: 'missing-information',
      rejected: 2,
      share: 1,
      agents: ['billing-bot'],
      operations: ['payments createRefund'],
    });
    expect(only!['apart']).toEqual(['no confidence claimed 100 % (0 %)', 'no task named 100 % (0 %)']);
    expect(only!['prevention']).toMatch(/claim its confidence.*name its task/);
  });

  test('edits counts the changed members', async () => {
    expect(await rows('edits')).toEqual([
      {
        system: 'payments',
        operation: 'createRefund',
        pointer: '/amount',
        edited: 1,
        decided: 9,
        edited_share: 1 / 9,
        agents: ['billing-bot'],
      },
    ]);
  });

  test('rubber-stamping flags fast approvals', async () => {
    expect(await rows('rubber-stamping', LOW['rubber-stamping'])).toMatchObject([
      { reviewer: 'rob@example.com', decisions: 3, approved: 3, approval_share: 1, median_ms: 5_000, flagged: 'yes' },
      { reviewer: 'ada@example.com', decisions: 6, approved: 4, edited: 1, approval_share: 0.5, flagged: '' },
    ]);
    expect(await rows('rubber-stamping', { decisions: '3', fast: '4s' })).toMatchObject([
      { flagged: '' },
      { flagged: '' },
    ]);
  });

  test('blocked-hot-spots leaves out blocks of a broken policy', async () => {
    expect(await rows('blocked-hot-spots')).toMatchObject([
      {
        agent: 'mail-bot',
        operation: 'deleteAll',
        rule: 'rules.mail/no-delete',
        blocked: 3,
        share: 1,
        first_at: '2026-03-30T10:00:00.000Z',
      },
    ]);
  });

  test('cost and cost-avoided add up costs', async () => {
    expect(await rows('cost', { by: 'operation' })).toEqual([
      {
        owner: '',
        agent: '',
        system: 'payments',
        operation: 'createRefund',
        cost_unit: 'EUR',
        cost: 16,
        share: 16 / 17.5,
        calls: 8,
        cost_per_call: 2,
      },
      {
        owner: '',
        agent: '',
        system: 'payments',
        operation: 'list',
        cost_unit: 'EUR',
        cost: 1.5,
        share: 1.5 / 17.5,
        calls: 3,
        cost_per_call: 0.5,
      },
    ]);
    expect(await rows('cost-avoided')).toEqual([
      {
        system: 'payments',
        operation: 'createRefund',
        cost_unit: 'EUR',
        blocked: 0,
        rejected: 2,
        expired: 1,
        usual_cost: 2,
        cost_avoided: 6,
      },
    ]);
  });

  test('scope-drift lists new operations, not those that are only new to the period', async () => {
    expect(await rows('scope-drift', { from: '7d', agent: 'mail-bot' })).toMatchObject([
      { agent: 'mail-bot', operation: 'deleteAll', calls: 3, blocked: 3, new_agent: '' },
    ]);
    expect((await rows('scope-drift', { agent: 'billing-bot' })).map(({ new_agent }) => new_agent)).toEqual([
      'yes',
      'yes',
    ]);
  });

  test('missed-holds finds allowed calls like the rejected ones', async () => {
    const features = ['agent billing-bot', 'no confidence claimed', 'no task named'];
    expect(await rows('missed-holds', LOW['missed-holds'])).toMatchObject([
      {
        operation: 'createRefund',
        features,
        alike: 2,
        allowed: 2,
        rejected: 2,
        rejected_share: 1,
        code: 'missing-information',
        last_at: '2026-03-20T10:00:00.000Z',
      },
    ]);
    expect(await rows('missed-holds')).toEqual([]);
  });

  test('autonomy-candidates counts edits against an agent', async () => {
    expect(await rows('autonomy-candidates', LOW['autonomy-candidates'])).toMatchObject([
      {
        agent: 'billing-bot',
        operation: 'createRefund',
        decided: 9,
        unchanged: 6,
        edited: 1,
        rejected: 2,
        unchanged_share: 2 / 3,
      },
    ]);
    expect(await rows('autonomy-candidates', { decisions: '5' })).toEqual([]);
  });

  test('failures counts each call once in its layer', async () => {
    expect(await rows('failures')).toMatchObject([
      { layer: 'execute', failure: 'boundary-exceeded', system: 'mail', failures: 3, agents: ['mail-bot'] },
      { layer: 'execute', failure: 'boundary-exceeded', system: 'payments', failures: 2, code: 'missing-information' },
      { layer: 'decide', failure: 'policy-wrong', system: 'mail', failures: 1, code: 'policy-unavailable' },
      { layer: 'record', failure: 'system-failed', system: 'payments', failures: 1, code: 'upstream-unreachable' },
    ]);
  });

  test('gateway-latency leaves out calls that the system did not answer', async () => {
    const [all, ...systems] = await rows('gateway-latency');
    expect(all).toMatchObject({ system: '(all)', calls: 6, added_p50_ms: 2, added_p99_ms: 4 });
    expect(systems).toMatchObject([
      { system: 'mail', calls: 1, added_p50_ms: 4 },
      { system: 'payments', calls: 5, added_p50_ms: 2, decide_p50_us: 50 },
    ]);
  });

  test('system-health counts failed and slow answers', async () => {
    expect(await rows('system-health')).toMatchObject([
      { system: 'payments', calls: 14, failed: 1, unreachable: 1, too_slow: 0, p50_ms: 30, slow_share: 0 },
      { system: 'mail', calls: 1, failed: 0, p50_ms: 2_000, slow_share: 1 },
    ]);
  });

  test('grants counts their uses', async () => {
    expect(await rows('grants')).toMatchObject([
      {
        agent: 'billing-bot',
        operation: 'createRefund',
        created: 1,
        used: 1,
        revoked: 0,
        used_per_grant: 1,
        given_by: ['ada@example.com'],
      },
    ]);
  });

  test('policy-revisions compares the verdicts of revisions', async () => {
    expect(await rows('policy-revisions')).toMatchObject([
      { revision: 'rev-1', calls: 20, faults: 0, rejected_share: 2 / 9 },
      { revision: '(none)', calls: 1, blocked_share: 1, faults: 1, rejected_share: null },
      { revision: 'rev-2', calls: 1, allowed_share: 1 },
    ]);
  });

  test('review-load counts holds by weekday and hour', async () => {
    const tuesdays = (await rows('review-load')).filter(({ weekday }) => weekday === 2);
    // 3, 10 and 17 March; what a grant let through asked nobody.
    expect(tuesdays).toEqual([{ weekday: 2, hour: 10, holds: 3, p50_ms: 120_000 }]);
    expect(await rows('review-load', { group: 'legal' })).toEqual([]);
  });
});

test('a report is narrowed by its parameters, which are values and never SQL', async () => {
  expect(await rows('work-executed', { system: 'mail' })).toHaveLength(1);
  const narrowed = shipped.filter(({ header }) => header.parameters.some(({ name }) => name === 'agent'));
  for (const { header } of narrowed)
    expect(await rows(header.name, { ...LOW[header.name], agent: "billing-bot' OR 1 = 1 --" })).toEqual([]);
  for (const agent of ["' UNION ALL SELECT 1 --", '\\', '{from:String}', "\t\\N\n'", '%'])
    expect(await rows('work-executed', { agent })).toEqual([]);
});

test('a report that takes too long fails differently from an unreadable record', async () => {
  const endless = `/*
title: Endless
question: When does it end?
act: Wait.
chart: { kind: table }
period: 1d
columns: { n: { unit: count, about: Numbers. } }
*/
SELECT sum(cityHash64(number, {from:DateTime64(3, 'UTC')}, {to:DateTime64(3, 'UTC')})) AS n FROM numbers(1000000000000)`;
  const slow = createReports(warehouse.client, [parseReport('endless', 'endless.sql', endless)], { patience: 1 });
  await expect(slow.run('endless', {})).rejects.toThrow('It took longer than 1 s');
});
