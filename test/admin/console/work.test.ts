import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { AdminDeps } from '../../../admin/deps.ts';
import type { ReportResult, ReportRow } from '../../../gateway/domain/report.ts';
import { CHROMIUM, openScene, type Scene } from './scene.ts';

type InFlight = Awaited<ReturnType<AdminDeps['inFlight']>>;

const REFUNDS = { owner: 'ana@example.com', agent: 'billing-bot', system: 'payments', operation: 'createRefund' };
const MAILS = { owner: 'ben@example.com', agent: 'mail-bot', system: 'mail', operation: 'POST /send' };
const NOTHING: InFlight = { work: [], others: 0, complete: true };

describe.skipIf(CHROMIUM === null)('the work in Chromium', () => {
  let scene: Scene;
  let inFlight = NOTHING;
  let rows: readonly ReportRow[] | null = [];
  let ticking: NodeJS.Timeout;

  beforeAll(async () => {
    scene = await openScene({
      inFlight: async () => inFlight,
      reports: {
        list: () => [],
        async run(name) {
          if (rows === null) throw new Error('ClickHouse is away');
          const isCost = name === 'cost';
          return { rows: rows.filter((row) => 'cost' in row === isCost) } as unknown as ReportResult;
        },
      },
    });
    ticking = setInterval(() => (scene.desk.now = Date.now()), 100);
  });
  afterEach(async () => {
    inFlight = NOTHING;
    rows = [];
    await scene.desk.delete('/api/stop', { who: 'olga' });
  });
  afterAll(async () => {
    clearInterval(ticking);
    await scene?.close();
  });

  const serving = (count: number) => {
    const calls = Array.from({ length: Math.min(5, count) }, (_, i) => ({
      id: `call_${String(i).padStart(32, '0')}`,
      at: scene.desk.now - 61_000,
    }));
    inFlight = { ...NOTHING, work: [{ ...REFUNDS, count, calls }] };
  };

  test('calls are seen while they run, under their owner and their agent, and go when they have ended', async () => {
    await scene.desk.hold();
    rows = [
      { ...REFUNDS, executed: 1200, failed: 3, blocked: 0 },
      { ...MAILS, executed: 40, failed: 0, blocked: 7 },
      { ...REFUNDS, cost_unit: 'EUR', cost: 12.5 },
    ];
    const { page, wrongs } = await scene.visit('/work');
    const billing = page.getByRole('article', { name: 'billing-bot' });
    await page.getByRole('region', { name: 'Agents of ana@example.com' }).waitFor();
    const row = billing.getByRole('button', { name: /createRefund/ });
    expect(await row.innerText()).toMatch(/createRefund\s+payments\s+1 held\s+1,200 done\s+3 failed\s+12.50 EUR/);
    serving(7);
    await row.getByText('7 in flight').waitFor();
    await row.click();
    await billing.getByText('for 1 min').first().waitFor();
    await billing.getByText('and 2 more').waitFor();
    expect(await billing.getByRole('link', { name: /call_0000000000004/ }).count()).toBe(0);
    const links = billing.getByRole('link', { name: /^call_/ });
    expect(await links.first().getAttribute('href')).toBe(`/calls/call_${'0'.repeat(32)}`);
    expect(await page.locator('.totals').innerText()).toMatch(
      /in flight\s+7\s+held\s+1\s+done\s+1,240\s+failed\s+3\s+blocked\s+7\s+cost\s+12.50 EUR/,
    );
    expect(await scene.axe(page)).toEqual([]);
    serving(1);
    await row.getByText('1 in flight').waitFor();
    inFlight = NOTHING;
    await row.getByText('in flight').waitFor({ state: 'detached' });
    expect(await row.innerText()).toContain('1,200 done');
    expect(wrongs).toEqual([]);
    await page.context().close();
  });

  test('without the record the page says what is missing, and shows what happens now, on a phone and in the dark too', async () => {
    rows = null;
    serving(2);
    const { page } = await scene.visit('/work', 'ben', { viewport: { width: 380, height: 800 }, colorScheme: 'dark' });
    await page.getByText('ClickHouse does not answer').waitFor();
    await page
      .getByRole('button', { name: /createRefund/ })
      .getByText('2 in flight')
      .waitFor();
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(380);
    expect(await scene.axe(page)).toEqual([]);
    await page.context().close();
  });

  test('an operator stops everything with a reason, after being asked once more', async () => {
    const { page } = await scene.visit('/work', 'olga');
    await page.getByRole('button', { name: 'Stop everything' }).click();
    const dialog = page.getByRole('dialog', { name: 'Stop everything?' });
    await dialog.getByRole('textbox').press('Enter');
    await dialog.getByRole('button', { name: 'Leave it' }).click();
    expect((await scene.desk.get('/api/stop')).json).toMatchObject({ stop: null });
    await page.getByRole('button', { name: 'Stop everything' }).click();
    await dialog.getByRole('textbox').fill('they all went mad');
    expect(await scene.axe(page)).toEqual([]);
    await dialog.getByRole('button', { name: 'Stop everything' }).click();
    await page.getByRole('alert').getByText('they all went mad').waitFor();
    expect((await scene.desk.get('/api/stop')).json).toMatchObject({ stop: { reason: 'they all went mad' } });
    expect(await page.getByRole('button', { name: 'Stop everything' }).count()).toBe(0);
    await page.context().close();
  });

  test('an operator suspends an agent and a system where their work is seen, and resumes them', async () => {
    serving(1);
    const { page } = await scene.visit('/work', 'olga');
    const billing = page.getByRole('article', { name: 'billing-bot' });
    type Suspendables = { items: { id: string; suspended: { reason: string } | null }[] };
    const reasonOf = async (kind: 'agents' | 'systems', id: string) => {
      const { items } = (await scene.desk.get(`/api/${kind}`)).json as Suspendables;
      return items.find((item) => item.id === id)!.suspended?.reason;
    };
    await billing.getByRole('button', { name: 'Suspend billing-bot' }).click();
    const dialog = page.getByRole('dialog', { name: 'Suspend billing-bot?' });
    await dialog.getByRole('textbox').fill('it loops');
    await dialog.getByRole('button', { name: 'Suspend', exact: true }).click();
    await billing.getByText('suspended', { exact: true }).waitFor();
    expect(await reasonOf('agents', 'billing-bot')).toBe('it loops');
    await billing.getByRole('button', { name: 'Resume billing-bot' }).click();
    await billing.getByRole('button', { name: /createRefund/ }).click();
    await billing.getByRole('button', { name: 'Suspend payments' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Suspend', exact: true }).click();
    await billing.getByRole('button', { name: 'Resume payments' }).click();
    await billing.getByRole('button', { name: 'Suspend payments' }).waitFor();
    expect([await reasonOf('agents', 'billing-bot'), await reasonOf('systems', 'payments')]).toEqual([
      undefined,
      undefined,
    ]);
    await page.context().close();
  });

  test('who is no operator has no button that stops anything', async () => {
    const { page } = await scene.visit('/work', 'ben');
    await page.getByRole('heading', { name: 'Work' }).waitFor();
    await page.getByText('No agent has called today').or(page.getByRole('article')).first().waitFor();
    expect(await page.getByRole('button', { name: /Stop|Suspend/ }).count()).toBe(0);
    await page.context().close();
  });

  test('only while the page is open does the stream carry the work', async () => {
    const { page } = await scene.visit('/holds');
    await page.getByRole('status').getByText('Live').waitFor();
    const streams: string[] = [];
    page.on('request', (request) => {
      if (request.url().includes('/api/stream')) streams.push(new URL(request.url()).search);
    });
    const next = () => page.waitForRequest((request) => request.url().includes('/api/stream'));
    const [watched] = await Promise.all([next(), page.getByRole('link', { name: 'Work' }).click()]);
    expect(watched.url()).toContain('work=true');
    await Promise.all([next(), page.getByRole('link', { name: 'Calls' }).click()]);
    expect(streams).toEqual(['?work=true', '']);
    await page.context().close();
  });
});
