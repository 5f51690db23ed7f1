import { generateKeyPairSync } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createSigner } from '../../../audit/ledger/ledger.ts';
import { migrate } from '../../../audit/clickhouse/migrate.ts';
import { createReports, loadReports } from '../../../audit/reports/reports.ts';
import { FACTS } from '../../../bench/year/facts.ts';
import { loadEvents } from '../../../bench/year/load.ts';
import { eventsOf, tellYear } from '../../../bench/year/year.ts';
import type { ReportRow, Reports } from '../../../gateway/domain/report.ts';
import { openWarehouse, type Warehouse } from '../../audit/clickhouse/warehouse.ts';
import { CHROMIUM, openScene, type Scene } from './scene.ts';

/** The last months of the year, in which most facts are planted. */
const PERIOD = 'from=2025-07-01&to=2025-12-31';
const MOMENTS = { from: '2025-07-01', to: '2026-01-01' };

describe.skipIf(CHROMIUM === null)('insights over a generated year in Chromium', () => {
  let warehouse: Warehouse;
  let reports: Reports;
  let scene: Scene;
  let isAway = false;

  beforeAll(async () => {
    warehouse = await openWarehouse();
    await migrate(warehouse.client);
    const { privateKey } = generateKeyPairSync('ed25519');
    await loadEvents(warehouse.client, eventsOf([...tellYear({ events: 30_000 })]), {
      signer: createSigner(privateKey),
    });
    reports = createReports(warehouse.client, await loadReports());
    const run: Reports['run'] = (...of) => (isAway ? Promise.reject(new Error('away')) : reports.run(...of));
    scene = await openScene({ reports: { list: reports.list, run } });
  }, 240_000);
  afterAll(async () => {
    await scene?.close();
    await warehouse?.[Symbol.asyncDispose]();
  });

  async function rows(name: string, given: Readonly<Record<string, string>> = {}): Promise<readonly ReportRow[]> {
    return (await reports.run(name, { ...MOMENTS, ...given })).rows;
  }
  const total = (of: readonly ReportRow[], name: string) => of.reduce((sum, row) => sum + Number(row[name]), 0);
  const whole = (value: number) => new Intl.NumberFormat('en-GB').format(value);
  const tile = (page: Page, name: string) => page.locator('.total').filter({ has: page.getByRole('link', { name }) });

  test('the first numbers are those of the reports, each beside the period before', async () => {
    const { page, wrongs } = await scene.visit(`/insights?${PERIOD}`);
    const work = await rows('work-executed');
    await tile(page, 'work done')
      .getByText(whole(total(work, 'executed')))
      .waitFor();
    await tile(page, 'blocked')
      .getByText(whole(total(work, 'blocked')))
      .waitFor();
    const earlier = { from: '2024-12-29', to: '2025-07-01' };
    const before = total(await rows('work-executed', earlier), 'blocked');
    const change = (100 * (total(work, 'blocked') - before)) / before;
    const sign = change > 0 ? '+' : '−';
    await tile(page, 'blocked')
      .getByText(`${sign}${whole(Math.abs(Math.round(change * 10) / 10))}%`)
      .waitFor();
    const eur = total(
      (await rows('cost')).filter((row) => row['cost_unit'] === 'EUR'),
      'cost',
    );
    const cost = (await tile(page, 'cost').first().innerText()).replaceAll(',', '');
    expect(cost).toContain(`${eur.toFixed(2)} EUR`);
    expect(await scene.axe(page)).toEqual([]);
    expect(wrongs).toEqual([]);
    await page.context().close();
  });

  test('what was planted in the year stands out, and leads to its report and from there to its calls', async () => {
    const { page, wrongs } = await scene.visit(`/insights?${PERIOD}`);
    const list = page.getByRole('region', { name: 'Needs people' });
    await page.locator('.attention[aria-busy=false]').waitFor();
    const text = await list.innerText();
    for (const fact of [
      FACTS.rubberStamping.reviewer,
      FACTS.missedHolds.operation,
      FACTS.blockedHotSpot.operation,
      FACTS.drifting.agent,
    ])
      expect(text).toContain(fact);
    await list.getByRole('link', { name: /^Blocked hot spots/ }).click();
    await page.getByRole('heading', { name: 'Blocked hot spots' }).waitFor();
    expect(new URL(page.url()).search).toBe(`?${PERIOD}`);
    await page.getByRole('link', { name: 'show calls of row 1', exact: true }).click();
    await page.getByRole('heading', { name: 'Calls' }).waitFor();
    const search = new URL(page.url()).searchParams;
    const { agent, operation, rule } = FACTS.blockedHotSpot;
    expect(Object.fromEntries(search)).toMatchObject({ agent, operation, rule, verdict: 'block' });
    expect(search.get('from')).toContain('2025-07-01');
    expect(wrongs).toEqual([]);
    await page.context().close();
  });

  test('every report is drawn as its header asks, and its page is without fault, in the dark too', async () => {
    const { page, wrongs } = await scene.visit(`/insights?${PERIOD}`, 'ben', { colorScheme: 'dark' });
    for (const { name, title, chart } of reports.list()) {
      await page.goto(`${scene.desk.url}/insights/${name}?${PERIOD}`);
      await page.getByRole('heading', { name: title, exact: true }).waitFor();
      const found = await rows(name);
      const pictures = await page.locator('canvas[role=img]').all();
      const painted = await Promise.all(pictures.map((picture) => picture.evaluate(isPainted)));
      expect([name, new Set(painted)]).toEqual([
        name,
        new Set(chart.kind === 'table' || found.length === 0 ? [] : [true]),
      ]);
      expect([name, await page.locator('tbody tr').count()]).toEqual([name, Math.min(50, found.length)]);
      expect([name, await scene.axe(page)]).toEqual([name, []]);
    }
    expect(wrongs).toEqual([]);
    await page.context().close();
  }, 240_000);

  test('costs are drawn for each unit, since units have no axis in common', async () => {
    const { page } = await scene.visit(`/insights/cost?${PERIOD}`);
    await page.getByRole('img', { name: 'Cost in tokens' }).waitFor();
    const names = await page.getByRole('img').evaluateAll((all) => all.map((each) => each.ariaLabel?.split(',')[0]));
    expect(names).toEqual(['Cost in EUR', 'Cost in tokens']);
    await page.context().close();
  });

  test('the period and what a report is narrowed to stand in the address', async () => {
    const { page } = await scene.visit('/insights/work-executed');
    await page.getByRole('button', { name: '90 days' }).click();
    await page.waitForURL(/days=90/);
    await page.getByRole('textbox', { name: 'agent' }).fill(FACTS.drifting.agent);
    await page.getByRole('textbox', { name: 'agent' }).press('Enter');
    await page.waitForURL(/agent=inventory-watcher/);
    await page.getByRole('combobox', { name: 'by' }).selectOption('system');
    await page.waitForURL(/by=system/);
    await page.goto(`${scene.desk.url}/insights/work-executed?${PERIOD}&agent=${FACTS.drifting.agent}`);
    await page.locator('tbody tr').first().waitFor();
    expect(new Set(await page.locator('tbody tr td:nth-child(2)').allInnerTexts())).toEqual(
      new Set([FACTS.drifting.agent]),
    );
    await page.goto(`${scene.desk.url}/insights/work-executed?by=nonsense`);
    await page.getByText('querystring.by: expected').waitFor();
    await page.context().close();
  });

  test('a report is saved as CSV with all its values, and its picture as PNG', async () => {
    const { page, wrongs } = await scene.visit(`/insights/work-executed?${PERIOD}`);
    const saved = async (name: string) => {
      const [download] = await Promise.all([page.waitForEvent('download'), page.getByText(name).click()]);
      return { name: download.suggestedFilename(), bytes: await readFile(await download.path()) };
    };
    const csv = await saved('Save all values as CSV');
    expect(csv.name).toBe('work-executed.csv');
    expect(csv.bytes.toString().trim().split('\r\n')).toHaveLength((await rows('work-executed')).length + 1);
    const png = await saved('Save Work executed as PNG');
    expect([png.name, png.bytes.subarray(1, 4).toString()]).toEqual(['work-executed.png', 'PNG']);
    expect(png.bytes.length).toBeGreaterThan(5_000);
    expect(wrongs).toEqual([]);
    await page.context().close();
  });

  test('while ClickHouse is away the page says so, and what still works, on a phone too', async () => {
    isAway = true;
    const { page } = await scene.visit('/insights', 'ben', { viewport: { width: 380, height: 800 } });
    await page.getByText('ClickHouse does not answer, so the reports are missing').waitFor();
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(380);
    expect(await scene.axe(page)).toEqual([]);
    isAway = false;
    await page.context().close();
  });
});

/** Whether a canvas has anything on it. */
function isPainted(canvas: HTMLCanvasElement | SVGElement | HTMLElement): boolean {
  const { width, height } = canvas as HTMLCanvasElement;
  const { data } = (canvas as HTMLCanvasElement).getContext('2d')!.getImageData(0, 0, width, height);
  return data.some((value) => value !== 0);
}
