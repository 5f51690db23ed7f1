import { generateKeyPairSync } from 'node:crypto';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { migrate } from '../../../audit/clickhouse/migrate.ts';
import { createCallLog } from '../../../audit/calls/call-log.ts';
import { createSigner } from '../../../audit/ledger/ledger.ts';
import { createReports, loadReports } from '../../../audit/reports/reports.ts';
import { FACTS, YEAR } from '../../../bench/year/facts.ts';
import { loadEvents } from '../../../bench/year/load.ts';
import { eventsOf, tellYear } from '../../../bench/year/year.ts';
import type { DeclaredOperation } from '../../../gateway/domain/declared-operation.ts';
import type { ReportRow, Reports } from '../../../gateway/domain/report.ts';
import { openWarehouse, type Warehouse } from '../../audit/clickhouse/warehouse.ts';
import { CHROMIUM, LOOKS, openScene, type Scene } from './scene.ts';

/** An agent's name and path can be anything; here an operation turns the text after it. */
const HOSTILE = { system: 'github', operation: 'delete\u202eRepository', source: 'openapi' } as const;
const DECLARED: readonly DeclaredOperation[] = [
  HOSTILE,
  ...Array.from({ length: 40 }, (_, index) => ({
    system: 'github',
    operation: `actions/unused-${index}`,
    source: 'openapi' as const,
  })),
];

describe.skipIf(CHROMIUM === null)('the coverage of a year in Chromium', () => {
  let scene: Scene;
  let warehouse: Warehouse;
  let reports: Reports;
  let isAway = false;
  let isEmpty = false;

  beforeAll(async () => {
    warehouse = await openWarehouse();
    await migrate(warehouse.client);
    const signer = createSigner(generateKeyPairSync('ed25519').privateKey);
    await loadEvents(warehouse.client, eventsOf([...tellYear({ events: 30_000 })]), { signer });
    reports = createReports(warehouse.client, await loadReports(), { clock: () => YEAR.to });
    scene = await openScene({
      calls: createCallLog(warehouse.client, { clock: () => YEAR.to }),
      reports: {
        list: () => reports.list(),
        run: async (name, given) => {
          if (isAway) throw new Error('connect ECONNREFUSED');
          return reports.run(name, isEmpty ? { ...given, system: 'nothing' } : given);
        },
      },
      declaredOperations: async () => (isEmpty ? [] : DECLARED),
    });
  }, 240_000);
  afterAll(async () => {
    await scene?.close();
    await warehouse?.[Symbol.asyncDispose]();
  });

  const of = (page: Page, system: string) => page.getByRole('region', { name: `Operations of ${system}` });
  const row = (page: Page, operation: string) => page.getByRole('listitem').filter({ hasText: operation });
  const whole = (count: number) => new Intl.NumberFormat('en').format(count);
  const rowsOf = async (from: string) => (await reports.run('coverage', { from })).rows;
  const sum = (rows: readonly ReportRow[], name: string) => rows.reduce((all, each) => all + Number(each[name]), 0);

  test('the first sentence says which share of operations and calls people or rules look at', async () => {
    const { page, wrongs } = await scene.visit('/coverage?period=90d');
    const rows = await rowsOf('90d');
    const guarded = rows.filter((each) => each['class'] === 'guarded').length;
    const share = Math.round((sum(rows, 'looked_at') / sum(rows, 'calls')) * 100);
    await page
      .getByText(
        `People or rules look at ${guarded} of ${rows.length} called operations, and at ${share} % of the calls.`,
      )
      .waitFor();
    const shares = page.getByRole('region', { name: 'How much is covered' });
    expect(await shares.innerText()).toMatch(/Never seen\s+41/);
    expect((await shares.getByText('Never seen').locator('..').boundingBox())!.width).toBeGreaterThan(100);
    expect(await page.title()).toContain('Coverage');
    expect(wrongs).toEqual([]);
    await page.context().close();
  });

  test('each operation has its class, its calls by verdict, who called, and leads to these calls', async () => {
    const { page } = await scene.visit('/coverage?period=90d');
    const { operation } = FACTS.takenOver;
    const system = 'payments';
    const counted = (await rowsOf('90d')).find((each) => each['operation'] === operation)!;
    const shown = of(page, system).getByRole('listitem').filter({ hasText: operation });
    expect(await shown.innerText()).toContain('A rule holds or blocks');
    expect(await shown.innerText()).toContain(`${whole(Number(counted['calls']))} call`);
    expect(await shown.innerText()).toContain(`${whole(Number(counted['held']))} held`);
    expect(await shown.innerText()).toContain(String((counted['who'] as string[])[0]));
    await shown.getByRole('link').click();
    await page.getByRole('list', { name: 'Calls' }).getByRole('listitem').first().waitFor();
    const search = new URL(page.url()).searchParams;
    expect([search.get('system'), search.get('operation')]).toEqual([system, operation]);
    expect(Date.parse(search.get('from')!.replaceAll('"', ''))).toBe(YEAR.to - 90 * 86_400_000);
    await page.context().close();
  });

  test('what no rule matches leads to the calls that were blocked for want of one', async () => {
    const { page } = await scene.visit('/coverage?period=90d');
    const shown = row(page, 'createFork');
    expect(await shown.innerText()).toMatch(/Matched by no rule[^]*without a rule/);
    await shown.getByRole('link').click();
    await page.getByRole('list', { name: 'Calls' }).getByRole('listitem').first().waitFor();
    expect(new URL(page.url()).searchParams.get('trigger')).toBe('default');
    await page.context().close();
  });

  test('what to do next names the systems, and shows their operations', async () => {
    const { page } = await scene.visit('/coverage?period=90d');
    const steps = page.getByRole('region', { name: 'What to do next' }).getByRole('listitem');
    await steps.first().waitFor();
    const texts = await steps.allInnerTexts();
    const allowed = (await rowsOf('90d')).filter((each) => each['class'] === 'allowed');
    const [system, own] = [...Map.groupBy(allowed, (each) => String(each['system']))].toSorted(
      ([, a], [, b]) => sum(b, 'calls') - sum(a, 'calls'),
    )[0]!;
    expect(texts[0]).toContain(
      `${own.length} operations of ${system} are allowed without review, in ${whole(sum(own, 'calls'))} calls.`,
    );
    expect(texts.join('\n')).toContain('1 operation of github matches no rule');
    expect(texts.join('\n')).toContain('41 operations that github declares were never called.');
    await steps.first().getByRole('link', { name: 'Show them' }).click();
    await expect.poll(() => page.getByRole('region', { name: /^Operations of/ }).count()).toBe(1);
    expect(await of(page, system).getByRole('listitem').count()).toBe(Math.min(25, own.length));
    const search = new URL(page.url()).searchParams;
    expect([search.get('class'), search.get('system'), search.get('period')]).toEqual(['allowed', system, '90d']);
    await page.context().close();
  });

  test('declared operations that were never called are shown at request, and characters that turn a text are written out', async () => {
    const { page } = await scene.visit('/coverage?period=90d&class=unseen');
    await of(page, 'github').getByText('Declared in its OpenAPI document; no agent called it.').first().waitFor();
    expect(await of(page, 'github').getByRole('listitem').count()).toBe(25);
    await page.getByRole('button', { name: 'Show all 41' }).click();
    expect(await of(page, 'github').getByRole('listitem').count()).toBe(41);
    expect(await row(page, 'U+202E').count()).toBe(1);
    await page.context().close();
  });

  test('the period is in the address, and counts', async () => {
    const { page } = await scene.visit('/coverage');
    await page.getByRole('button', { name: '30 days', pressed: true }).waitFor();
    await page.getByRole('button', { name: '7 days' }).click();
    const shares = page.getByRole('region', { name: 'How much is covered' });
    const looked = new RegExp(`Held, or blocked by a rule\\s+${whole(sum(await rowsOf('7d'), 'looked_at'))}\\b`);
    await expect.poll(() => shares.innerText()).toMatch(looked);
    expect(new URL(page.url()).search).toBe('?period=7d');
    await page.reload();
    await page.getByRole('button', { name: '7 days', pressed: true }).waitFor();
    await expect.poll(() => shares.innerText()).toMatch(looked);
    await page.context().close();
  });

  test('what an address says and the page does not know is as if it were not there', async () => {
    const { page } = await scene.visit('/coverage?period=1y&class=odd&system=');
    await page.getByRole('button', { name: '30 days', pressed: true }).waitFor();
    const rows = await rowsOf('30d');
    await page.getByText(`of ${rows.length} called operations`).waitFor();
    expect(await page.getByRole('region', { name: /^Operations of/ }).count()).toBeGreaterThan(3);
    await page.context().close();
  });

  test('without any call the page says so', async () => {
    isEmpty = true;
    try {
      const { page } = await scene.visit('/coverage?period=7d');
      await page.getByRole('heading', { name: 'No agent has called in 7 days' }).waitFor();
      expect(await page.getByRole('region', { name: 'What to do next' }).count()).toBe(0);
      await page.context().close();
    } finally {
      isEmpty = false;
    }
  });

  test('while ClickHouse is away, the page says so and what still works, and counts once it is back', async () => {
    isAway = true;
    try {
      const { page } = await scene.visit('/coverage');
      await page.getByRole('heading', { name: 'Coverage cannot be counted now' }).waitFor();
      await page.getByText('Held calls can be decided as ever.').waitFor();
      expect(await scene.axe(page)).toEqual([]);
      isAway = false;
      await page.getByRole('button', { name: 'Try again' }).click();
      await page.getByText(/People or rules look at/).waitFor();
      await page.context().close();
    } finally {
      isAway = false;
    }
  });

  test.for(LOOKS)('axe-core finds nothing, and nothing is wider than the screen: %s', async ([, options]) => {
    const { page } = await scene.visit('/coverage?period=90d', 'ben', options);
    await page.getByText(/People or rules look at/).waitFor();
    expect(await scene.axe(page)).toEqual([]);
    expect(await page.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true);
    await page.context().close();
  });
});
