import { generateKeyPairSync } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Coverage } from '../../../admin/coverage/coverage-route.ts';
import { migrate } from '../../../audit/clickhouse/migrate.ts';
import { createSigner } from '../../../audit/ledger/ledger.ts';
import { createReports, loadReports } from '../../../audit/reports/reports.ts';
import { FACTS, YEAR } from '../../../bench/year/facts.ts';
import { loadEvents } from '../../../bench/year/load.ts';
import type { Story } from '../../../bench/year/story.ts';
import { eventsOf, tellYear } from '../../../bench/year/year.ts';
import type { Reports } from '../../../gateway/domain/report.ts';
import { openWarehouse, type Warehouse } from '../../audit/clickhouse/warehouse.ts';
import { openDesk, type Desk } from '../desk.ts';

const DAY = 86_400_000;
const DECLARED = [
  { system: 'github', operation: 'createFork', source: 'openapi' },
  { system: 'github', operation: 'deleteRepository', source: 'openapi' },
  { system: 'desk', operation: 'close_ticket', source: 'tools' },
] as const;

describe('over the generated year', () => {
  const stories: readonly Story[] = [...tellYear({ events: 30_000 })];
  const lately = (days: number) => stories.filter(({ at }) => at >= YEAR.to - days * DAY && at < YEAR.to);
  let warehouse: Warehouse;
  let reports: Reports;
  let desk: Desk;

  beforeAll(async () => {
    warehouse = await openWarehouse();
    await migrate(warehouse.client);
    const signer = createSigner(generateKeyPairSync('ed25519').privateKey);
    await loadEvents(warehouse.client, eventsOf(stories), { signer });
    reports = createReports(warehouse.client, await loadReports(), { clock: () => YEAR.to });
    desk = await openDesk({ reports, declaredOperations: async () => DECLARED });
  }, 240_000);
  afterAll(async () => {
    await desk?.close();
    await warehouse?.[Symbol.asyncDispose]();
  });

  const read = async (query = '') => (await desk.get(`/api/coverage${query}`)).json as unknown as Coverage;

  test.each(['7d', '30d', '90d'] as const)(
    'coverage of %s has each operation once, in one class, and the numbers of the report',
    async (period) => {
      const { items, operations, calls, from, to, is_cut } = await read(`?period=${period}`);
      const days = Number.parseInt(period, 10);
      expect([Date.parse(from), Date.parse(to), is_cut]).toEqual([YEAR.to - days * DAY, YEAR.to, false]);
      const keys = items.map(({ system, operation }) => `${system} ${operation}`);
      expect(new Set(keys).size).toBe(keys.length);
      const called = new Set(lately(days).map(({ system, operation }) => `${system} ${operation}`));
      expect(new Set(keys)).toEqual(
        new Set([...called, ...DECLARED.map(({ system, operation }) => `${system} ${operation}`)]),
      );
      const { rows } = await reports.run('coverage', { from: period });
      const seen = items.filter((item) => item.class !== 'unseen');
      expect(seen).toHaveLength(rows.length);
      expect(seen).toMatchObject(rows);
      for (const of of ['guarded', 'allowed', 'unmatched', 'unseen'] as const)
        expect([of, operations[of]]).toEqual([of, items.filter((item) => item.class === of).length]);
      const sum = (column: string) => rows.reduce((total, row) => total + Number(row[column]), 0);
      expect(calls).toEqual({
        all: sum('calls'),
        looked_at: sum('looked_at'),
        allowed: sum('allowed'),
        unmatched: sum('unmatched'),
      });
    },
  );

  test('what systems declare and no agent called was never seen, and what was called keeps its class', async () => {
    const { items } = await read('?period=90d');
    const of = (operation: string) => items.find((item) => item.operation === operation);
    expect(of('deleteRepository')).toMatchObject({ class: 'unseen', calls: 0, last_at: null, declared: 'openapi' });
    expect(of('close_ticket')).toMatchObject({ class: 'unseen', declared: 'tools' });
    expect(of('createFork')).toMatchObject({ class: 'unmatched', declared: 'openapi' });
    expect(of(FACTS.takenOver.operation)).toMatchObject({ class: 'guarded', declared: null });
  });

  test('the hits of rules are those of the report', async () => {
    const { json } = await desk.get('/api/policy/hits?period=90d');
    const { items } = json as { items: { rule: string; hits: number; levels: number[] }[] };
    const { rows } = await reports.run('rule-hits', { from: '90d' });
    expect(items).toEqual(rows.map((row) => ({ ...row, levels: [row['levels']].flat().map(Number) })));
    const { rule } = FACTS.rubberStamping;
    expect(items.find((item) => item.rule === rule)).toMatchObject({ levels: [2] });
  });
});

describe('without a record', () => {
  test('coverage and hits are 503 while ClickHouse cannot be read, and 422 for another period', async () => {
    const run = () => Promise.reject(new Error('connect ECONNREFUSED 10.0.0.1'));
    const desk = await openDesk({ reports: { list: () => [], run } });
    for (const path of ['/api/coverage', '/api/policy/hits']) {
      const answer = await desk.get(path);
      expect(answer).toMatchObject({ status: 503, json: { code: 'record-unavailable' } });
      expect(answer.text).not.toContain('10.0.0.1');
      expect(await desk.get(`${path}?period=1y`)).toMatchObject({
        status: 422,
        json: { errors: [{ pointer: '/period' }] },
      });
    }
    await desk.close();
  });
});
