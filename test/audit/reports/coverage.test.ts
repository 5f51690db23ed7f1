import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { migrate } from '../../../audit/clickhouse/migrate.ts';
import { createReports, loadReports } from '../../../audit/reports/reports.ts';
import type { Event } from '../../../gateway/domain/event.ts';
import type { ReportRow, Reports } from '../../../gateway/domain/report.ts';
import { openWarehouse, type Warehouse } from '../clickhouse/warehouse.ts';

const NOW = Date.parse('2026-04-01T00:00:00Z');
const DAY = 86_400_000;

let warehouse: Warehouse;
let reports: Reports;
let made = 0;

/** A step of a call of crm-bot, five days ago. */
function step(operation: string, more: Partial<Event> = {}): Event {
  made += 1;
  return {
    event_id: `evt_${made}`,
    at: NOW - 5 * DAY,
    node: 'node-1',
    type: 'call.decided',
    layer: 'decide',
    call_id: `call_${made}`,
    agent: 'crm-bot',
    owner: 'ana@example.com',
    system: 'crm',
    operation,
    verdict: 'allow',
    trigger: 'rule',
    rules: ['rules.crm/read'],
    ...more,
  };
}

const HELD = { verdict: 'hold', rules: ['rules.crm/bulk'] } as const;
const BLOCKED = { verdict: 'block', rules: ['rules.crm/never'] } as const;
const UNMATCHED = { verdict: 'block', rules: ['holdpoint/default'], trigger: 'default' } as const;
const FAILED = { verdict: 'block', rules: ['holdpoint/fault'], trigger: 'fault' } as const;

beforeAll(async () => {
  warehouse = await openWarehouse();
  await migrate(warehouse.client);
  reports = createReports(warehouse.client, await loadReports(), { clock: () => NOW });
  await warehouse.insert([
    step('read'),
    step('read', { agent: 'sales-bot', at: NOW - DAY }),
    // What was called before the period, and what only keeps a session of MCP going.
    step('forgotten', { at: NOW - 40 * DAY }),
    step('mcp:tools/list', { rules: ['holdpoint/mcp'] }),
    step('update', HELD),
    step('update'),
    // The hold of level 2 opened for it, and another of level 3.
    step('update', { ...HELD, type: 'hold.opened', level: 2, hold_id: 'hold_1' }),
    step('update', { ...HELD, type: 'hold.opened', level: 3, hold_id: 'hold_2' }),
    // A rule would have held it, and another blocks it; the next call is allowed.
    step('export', {
      verdict: 'block',
      rules: ['rules.crm/never', 'rules.crm/bulk'],
      rule_verdicts: ['block', 'hold'],
    }),
    step('export'),
    step('purge', BLOCKED),
    step('discount', BLOCKED),
    step('discount'),
    step('guess', UNMATCHED),
    step('broken', FAILED),
    // The rule that let it pass found later that the answer contradicts it.
    step('read', { type: 'call.drifted', rules: ['rules.crm/differs'], failure: 'system-drifted' }),
  ]);
});
afterAll(() => warehouse[Symbol.asyncDispose]());

const rows = async (name: string, given: Readonly<Record<string, string>> = {}) =>
  (await reports.run(name, given)).rows;
const pick = (each: ReportRow, ...names: string[]) => names.map((name) => each[name]);

describe('the report on coverage', () => {
  test('tells for each operation whether a rule holds or blocks it, it passes unreviewed, or no rule matches it', async () => {
    const classes = (await rows('coverage')).map((each) => pick(each, 'operation', 'class'));
    expect(Object.fromEntries(classes)).toEqual({
      read: 'allowed',
      update: 'guarded',
      export: 'guarded',
      purge: 'guarded',
      discount: 'allowed',
      guess: 'unmatched',
      broken: 'unmatched',
    });
  });

  test('counts calls by verdict, and those that people or a rule looked at', async () => {
    const counts = (await rows('coverage')).map((each) =>
      pick(each, 'operation', 'calls', 'allowed', 'held', 'blocked', 'unmatched', 'looked_at'),
    );
    expect(counts).toEqual([
      ['discount', 2, 1, 0, 1, 0, 1],
      ['export', 2, 1, 0, 1, 0, 1],
      ['read', 2, 2, 0, 0, 0, 0],
      ['update', 2, 1, 1, 0, 0, 1],
      ['broken', 1, 0, 0, 1, 0, 0],
      ['guess', 1, 0, 0, 1, 1, 0],
      ['purge', 1, 0, 0, 1, 0, 1],
    ]);
  });

  test('tells who called, and when last', async () => {
    const read = (await rows('coverage')).find(({ operation }) => operation === 'read')!;
    expect(read).toMatchObject({ agents: 2, who: ['crm-bot', 'sales-bot'], last_at: '2026-03-31T00:00:00.000Z' });
  });

  test('covers the period that is asked for', async () => {
    const operations = (await rows('coverage', { from: '90d' })).map(({ operation }) => operation);
    expect(operations).toContain('forgotten');
    expect(await rows('coverage', { from: '1d', agent: 'crm-bot' })).toEqual([]);
  });
});

test('the report on hits of rules counts each rule by what it said itself, with the levels of its holds', async () => {
  const hits = (await rows('rule-hits')).map((each) => pick(each, 'rule', 'verdict', 'hits', 'levels'));
  expect(hits).toEqual([
    ['rules.crm/read', 'allow', 5, []],
    ['rules.crm/never', 'block', 3, []],
    ['rules.crm/bulk', 'hold', 2, ['2', '3']],
    ['holdpoint/default', 'block', 1, []],
    ['holdpoint/fault', 'block', 1, []],
    ['holdpoint/mcp', 'allow', 1, []],
    ['rules.crm/differs', 'drift', 1, []],
  ]);
});
