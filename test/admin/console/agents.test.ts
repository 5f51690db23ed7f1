import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Page } from 'playwright-core';
import { connectClickHouse } from '../../../audit/clickhouse/clickhouse.ts';
import { migrate } from '../../../audit/clickhouse/migrate.ts';
import { createReports, loadReports } from '../../../audit/reports/reports.ts';
import { allowed, callAt, holdStep, signer } from '../../audit/calls/steps.ts';
import { openWarehouse, type Warehouse } from '../../audit/clickhouse/warehouse.ts';
import { writeRecord } from '../../audit/ledger/record.ts';
import { CHROMIUM, openScene, type Scene } from './scene.ts';

const NOW = Date.now();
const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

describe.skipIf(CHROMIUM === null)('the agents in Chromium', () => {
  let scene: Scene;
  let warehouse: Warehouse;
  let isAway = false;

  beforeAll(async () => {
    warehouse = await openWarehouse();
    const { client } = warehouse;
    await migrate(client);
    const at = (n: number) => NOW - 3 * MINUTE - n * 1_000;
    const events = [
      ...Array.from({ length: 1_200 }, (_, n) => allowed(at(n), `a${n}`)).flat(),
      ...Array.from({ length: 3 }, (_, n) => {
        const [decided] = allowed(at(n), `h${n}`, { verdict: 'hold' });
        const opened = holdStep(at(n), `h${n}`, 'hold.opened', { level: n === 0 ? 3 : 2, system: 'payments' });
        return [decided!, { ...opened, call_id: callAt(at(n), `h${n}`) }];
      }).flat(),
      ...allowed(at(5), 'b', { verdict: 'block', status: 403 }),
      ...allowed(NOW - 31 * DAY, 'old', { verdict: 'block', status: 403 }),
      ...allowed(at(9), 'gone', { agent: 'gone-bot', owner: 'eve@example.com' }),
    ].map((event) => (event.type === 'call.completed' ? { ...event, cost: 0.25, cost_unit: 'EUR' } : event));
    await writeRecord(client, { chain: 'chain-1', signer, segments: [events] });
    const reports = createReports(client, await loadReports());
    const nowhere = createReports(connectClickHouse({ url: 'http://127.0.0.1:1' }), await loadReports());
    scene = await openScene({
      reports: {
        list: reports.list,
        run: (...of) => (isAway ? nowhere : reports).run(...of),
      },
      dayUsage: (agent) => ({ calls: 7, blocked: 0, held: 0, cost: agent === 'billing-bot' ? { EUR: 120.5 } : {} }),
    });
  });
  afterEach(async () => {
    isAway = false;
    for (const path of ['agents/billing-bot', 'systems/payments', 'systems/mail'])
      await scene.desk.post(`/api/${path}/resume`, { who: 'olga' });
  });
  afterAll(async () => {
    await scene?.close();
    await warehouse?.[Symbol.asyncDispose]();
  });

  const agent = (page: Page, name: string) => page.getByRole('article', { name, exact: true });
  const suspensions = async () => {
    const agents = (await scene.desk.get('/api/agents')).json as { items: { id: string; suspended: object | null }[] };
    return agents.items.filter(({ suspended }) => suspended).map(({ id }) => id);
  };

  test('each agent has its owner, roles and systems, and what the record has of its last 30 days', async () => {
    const { page, wrongs } = await scene.visit('/agents');
    const billing = agent(page, 'billing-bot');
    await billing.getByText('1,200 allowed').waitFor();
    expect(await billing.getByRole('list', { name: 'Roles and systems' }).innerText()).toMatch(/payer\s+payments/);
    expect(await billing.innerText()).toMatch(/ana@example.com[^]*1,200 allowed\s+3 held\s+1 blocked/);
    const levels = billing.getByRole('list', { name: 'Calls at each level' });
    expect(await levels.innerText()).toMatch(
      /L1 1,200\s+by itself\s+L2 2\s+a person approves\s+L3 1\s+a person takes over\s+L4 1\s+blocked/,
    );
    const facts = await billing.locator('.agent-facts').innerText();
    expect(facts).toMatch(/cost\s+300 EUR\s+used in 24 h\s+120.50 EUR\s+last seen\s+3 min ago/);
    const mail = agent(page, 'mail-bot');
    expect(await mail.innerText()).toContain('No call within 30 days.');
    expect(await mail.locator('.agent-facts').innerText()).toMatch(/used in 24 h\s+7 calls/);
    expect(await page.getByRole('main').innerText()).toContain('2 agents of 2 owners');
    const gone = page.getByRole('region', { name: 'Not configured any more' });
    expect(await gone.innerText()).toMatch(/gone-bot\s+eve@example.com[^]*1 call/);
    expect(wrongs).toEqual([]);
    await page.context().close();
  });

  test('an agent leads to its calls, to those of one verdict, and to its held calls', async () => {
    const { page } = await scene.visit('/agents');
    const billing = agent(page, 'billing-bot');
    await billing.getByText('3 held').waitFor();
    const target = (name: string | RegExp) => billing.getByRole('link', { name, exact: true }).getAttribute('href');
    expect(await target('Calls of billing-bot')).toBe('/calls?agent=billing-bot');
    expect(await target('Held calls of billing-bot')).toBe('/holds?agent=billing-bot');
    expect(await target(/blocked/)).toBe('/calls?agent=billing-bot&verdict=block&period=30d');
    await page.context().close();
  });

  test('an operator suspends an agent with a reason after being asked once more, and its row says so at once', async () => {
    await scene.desk.hold();
    const { page, wrongs } = await scene.visit('/agents', 'olga');
    const billing = agent(page, 'billing-bot');
    const button = billing.getByRole('button', { name: 'Suspend billing-bot' });
    const dialog = page.getByRole('dialog', { name: 'Suspend billing-bot?' });
    await button.click();
    expect(await dialog.innerText()).toContain('on every gateway that shares this store');
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });
    await button.click();
    await dialog.getByRole('textbox').press('Enter');
    expect(await suspensions()).toEqual([]);
    expect(await scene.axe(page)).toEqual([]);
    await dialog.getByRole('textbox').fill('runs <b>wild</b>\u202e');
    await dialog.getByRole('button', { name: 'Suspend' }).click();
    await billing.getByText(/Suspended since/).waitFor();
    expect(await billing.innerText()).toContain('by olga@example.com');
    expect(await billing.innerText()).toContain('runs <b>wild</b>U+202E');
    expect(await page.getByRole('status').allInnerTexts()).toContainEqual(
      'billing-bot is suspended on every gateway: 1 hold was superseded.',
    );
    expect(await suspensions()).toEqual(['billing-bot']);
    expect(await scene.axe(page)).toEqual([]);
    await billing.getByRole('button', { name: 'Resume billing-bot' }).click();
    await button.waitFor();
    expect(await suspensions()).toEqual([]);
    expect(wrongs).toEqual([]);
    await page.context().close();
  });

  test('a suspension that another person makes is seen without a reload, and can be filtered by', async () => {
    const { page } = await scene.visit('/agents?suspended=maybe');
    await agent(page, 'mail-bot').waitFor();
    await page.getByRole('button', { name: 'Suspended', exact: true }).click();
    await page.getByRole('heading', { name: 'No agent fits' }).waitFor();
    await scene.desk.post('/api/agents/billing-bot/suspend', { who: 'olga' });
    await agent(page, 'billing-bot').waitFor();
    expect(await page.getByRole('article').count()).toBe(1);
    await page.getByRole('button', { name: 'Suspended', exact: true }).click();
    await agent(page, 'mail-bot').waitFor();
    await page.getByLabel('Owner').selectOption('ben@example.com');
    await expect.poll(() => page.getByRole('article').count()).toBe(1);
    expect(new URL(page.url()).search).toBe('?owner=ben%40example.com');
    await page.context().close();
  });

  test('a system is suspended too, and the agents that may call it say so', async () => {
    const { page } = await scene.visit('/agents', 'olga');
    await page.getByRole('button', { name: 'Suspend mail', exact: true }).click();
    await page.getByRole('dialog', { name: 'Suspend mail?' }).getByRole('button', { name: 'Suspend' }).click();
    await agent(page, 'mail-bot').getByText('mail, suspended').waitFor();
    const systems = page.getByRole('region', { name: 'Systems' });
    expect(await systems.innerText()).toContain('Suspended since');
    expect(await suspensions()).toEqual([]);
    await systems.getByRole('button', { name: 'Resume mail' }).click();
    await systems.getByText('Suspended since').waitFor({ state: 'detached' });
    await page.context().close();
  });

  test('a suspension that fails says why, and the dialog keeps the reason', async () => {
    const { page } = await scene.visit('/agents', 'olga');
    await page.route('**/suspend', (route) => route.fulfill({ status: 503, body: 'x' }));
    await agent(page, 'billing-bot').getByRole('button', { name: 'Suspend billing-bot' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('textbox').fill('odd');
    await dialog.getByRole('button', { name: 'Suspend' }).click();
    expect(await dialog.getByRole('alert').innerText()).toContain('503');
    expect(await dialog.getByRole('textbox').inputValue()).toBe('odd');
    await page.context().close();
  });

  test('who is no operator has no button that suspends or resumes', async () => {
    await scene.desk.post('/api/agents/billing-bot/suspend', { who: 'olga' });
    const { page } = await scene.visit('/agents', 'ben');
    await agent(page, 'billing-bot').getByText('Suspended since').waitFor();
    expect(await page.getByRole('button', { name: /^(?:Suspend|Resume) / }).count()).toBe(0);
    await page.context().close();
  });

  test('while ClickHouse is away, configuration and switches are there, and the page says what is missing', async () => {
    isAway = true;
    const { page } = await scene.visit('/agents', 'olga');
    await page.getByText('The record does not answer').waitFor();
    const billing = agent(page, 'billing-bot');
    expect(await billing.innerText()).toMatch(/ana@example.com[^]*payments[^]*Not counted now[^]*120.50 EUR/);
    await billing.getByRole('button', { name: 'Suspend billing-bot' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Suspend' }).click();
    await billing.getByText('Suspended since').waitFor();
    expect(await scene.axe(page)).toEqual([]);
    await page.context().close();
  });

  test.for([
    ['a desk', {}],
    ['a phone', { viewport: { width: 380, height: 800 } }],
    ['the dark', { colorScheme: 'dark' as const }],
    ['a phone in the dark', { viewport: { width: 380, height: 800 }, colorScheme: 'dark' as const }],
  ] as const)('axe-core finds nothing, and nothing is cut off: %s', async ([, options]) => {
    await scene.desk.post('/api/agents/billing-bot/suspend', { who: 'olga', body: { reason: 'x'.repeat(300) } });
    const { page } = await scene.visit('/agents', 'olga', options);
    await agent(page, 'billing-bot').getByText('1,200 allowed').waitFor();
    expect(await scene.axe(page)).toEqual([]);
    expect(await page.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true);
    await page.context().close();
  });
});
