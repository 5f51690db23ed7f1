import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { AdminDeps } from '../../../admin/deps.ts';
import { createCallLog } from '../../../audit/calls/call-log.ts';
import { migrate } from '../../../audit/clickhouse/migrate.ts';
import { createReports, loadReports } from '../../../audit/reports/reports.ts';
import { ruleName, type RuleSource } from '../../../gateway/domain/bundle.ts';
import { allowed, callAt, holdStep, signer } from '../../audit/calls/steps.ts';
import { openWarehouse, type Warehouse } from '../../audit/clickhouse/warehouse.ts';
import { writeRecord } from '../../audit/ledger/record.ts';
import { CHROMIUM, LOOKS, openScene, type Scene } from './scene.ts';

const NOW = Date.now();
const MINUTE = 60_000;
const DAY = 86_400_000;

type Policy = Pick<AdminDeps['policy'], 'evaluate' | 'misfits'> & { readonly sources: readonly RuleSource[] };

/**
 * The real policy. Its name hides it from TypeScript: what Node declares of WebAssembly, and what browsers do, exclude
 * each other.
 */
async function shippedPolicy(): Promise<Policy> {
  const helper = (await import('../../helpers/shipped-policy.ts' as string)) as { shippedPolicy(): Promise<Policy> };
  return await helper.shippedPolicy();
}

/** A refund as policy sees it. */
const refund = (amount: string) =>
  `{"principal":{"agent":"billing-bot"},"action":{"system":"payments","operation":"createRefund","method":"POST",` +
  `"path":"/v1/refunds","segments":["v1","refunds"],"query":{},"body_bytes":20,"body":{"amount":${amount}}},` +
  `"resource":{"type":"refunds","id":null},"context":{"claims":{"score":0.10,"note":"\u202egnp.exe"}}}`;

describe.skipIf(CHROMIUM === null)('the policy in Chromium', () => {
  let scene: Scene;
  let warehouse: Warehouse;
  let isAway = false;
  let refused: ReturnType<AdminDeps['policy']['status']>['refused'] = null;
  let revision: string | null = 'f'.repeat(64);

  beforeAll(async () => {
    const { sources, evaluate, misfits } = await shippedPolicy();
    warehouse = await openWarehouse();
    await migrate(warehouse.client);
    const small = { rules: ['rules.payments/small-refund'] };
    const [held] = allowed(NOW - 2 * MINUTE, 'held', {
      verdict: 'hold',
      rules: ['rules.payments/refund-over-limit'],
      reason: 'A refund of 70.00 is over the limit.',
    });
    const [masked] = allowed(NOW - 3 * MINUTE, 'masked', small);
    const [dropped] = allowed(NOW - 4 * MINUTE, 'dropped', small);
    const [bent] = allowed(NOW - 5 * MINUTE, 'bent', small);
    await writeRecord(warehouse.client, {
      chain: 'chain-1',
      signer,
      segments: [
        [
          // Allowed then; today's policy holds it.
          { ...allowed(NOW - MINUTE, 'changed', small)[0]!, input: refund('7000') },
          { ...held!, input: refund('7000') },
          holdStep(NOW - 2 * MINUTE, 'held', 'hold.opened', {
            level: 2,
            groups: ['finance'],
            rules: ['rules.payments/refund-over-limit'],
            verdict: 'hold',
          }),
          { ...masked!, input: refund('"[masked]"'), masked: ['/action/body/amount', 'path'] },
          { ...dropped!, input: '', masked: ['!too-large'] },
          { ...bent!, input: '{"action":"[masked]"}', masked: ['/action'] },
          ...allowed(NOW - 6 * MINUTE, 'old', { rules: ['rules.payments/of-an-earlier-policy'] }),
          ...allowed(NOW - 40 * DAY, 'long-ago', { rules: ['rules.payments/read'] }),
        ],
      ],
    });
    const reports = createReports(warehouse.client, await loadReports());
    const record = createCallLog(warehouse.client);
    const away = () => Promise.reject(new Error('connect ECONNREFUSED'));
    scene = await openScene({
      calls: { ...record, story: (id) => (isAway ? away() : record.story(id)) },
      reports: { list: () => reports.list(), run: (...of) => (isAway ? away() : reports.run(...of)) },
      policy: {
        status: () => ({
          revision,
          activatedAt: NOW - DAY,
          rules: sources.map(ruleName),
          sources,
          refused,
        }),
        evaluate,
        misfits,
        ruleText: () => null,
      },
    });
  });
  afterAll(async () => {
    await scene?.close();
    await warehouse?.[Symbol.asyncDispose]();
  });

  const rule = (page: Page, name: string) =>
    page
      .getByRole('region', { name: 'Rules of rules.payments' })
      .getByRole('listitem')
      .filter({ has: page.getByText(name, { exact: true }) });
  const part = (page: Page) => page.getByRole('region', { name: 'Try a call' });
  const box = (page: Page) => part(page).getByRole('textbox');
  const judge = (page: Page) => part(page).getByRole('button', { name: 'What would policy say?' }).click();
  const tryCall = (name: string, minutes: number) =>
    scene.visit(`/policy?call=${callAt(NOW - minutes * MINUTE, name)}`);

  test('each rule in force has its verdict, its place, its hits, the last one, and its levels', async () => {
    const { page, wrongs } = await scene.visit('/policy');
    await rule(page, 'small-refund').getByRole('link', { name: '4 hits' }).waitFor();
    expect(await rule(page, 'small-refund').innerText()).toMatch(
      /rules\/payments\.rego:\d+[^]*allow[^]*level 1: passes[^]*4 hits[^]*\d\d:\d\d/,
    );
    expect(await rule(page, 'refund-over-limit').innerText()).toMatch(/hold[^]*level 2: a person approves[^]*1 hit/);
    expect(await page.getByText('revision ffffffffffff, in force since').count()).toBe(1);
    await rule(page, 'refund-over-limit').getByRole('link', { name: '1 hit' }).click();
    await expect.poll(() => page.getByRole('list', { name: 'Calls' }).getByRole('listitem').count()).toBe(1);
    expect(new URL(page.url()).searchParams.get('rule')).toBe('rules.payments/refund-over-limit');
    expect(wrongs).toEqual([]);
    await page.context().close();
  });

  test('a rule that no call matched is marked, with what that may mean, until the period is long enough', async () => {
    const { page } = await scene.visit('/policy');
    await rule(page, 'read').getByText('not reached in 30 days').waitFor();
    await page.getByText('Either no agent did what they are for, or their conditions never fit').waitFor();
    await page.getByRole('button', { name: /^Not reached/ }).click();
    await expect.poll(() => rule(page, 'small-refund').count()).toBe(0);
    expect(new URL(page.url()).search).toBe('?unreached=true');
    await page.getByRole('button', { name: '90 days' }).click();
    await expect.poll(() => rule(page, 'read').count()).toBe(0);
    await page.getByRole('button', { name: /^Not reached/ }).click();
    await rule(page, 'read').getByRole('link', { name: '1 hit' }).waitFor();
    await page.context().close();
  });

  test('what matched and is no rule of this policy stands by itself', async () => {
    const { page } = await scene.visit('/policy');
    const others = page.getByRole('region', { name: 'Not of this policy' });
    await others.getByText('rules.payments/of-an-earlier-policy').waitFor();
    expect(await others.getByRole('listitem').count()).toBe(1);
    await page.context().close();
  });

  test('a refused newer version is told with its reasons, and that the one before it decides', async () => {
    refused = { at: NOW, reason: 'payments.rego:3: unknown function\npayments.rego:9: var x is unsafe' };
    try {
      const { page } = await scene.visit('/policy');
      const notice = page.getByRole('alert').filter({ hasText: 'A newer version was refused' });
      expect(await notice.innerText()).toContain('stays in force');
      expect(await notice.innerText()).toContain('payments.rego:9: var x is unsafe');
      expect(await scene.axe(page)).toEqual([]);
      await page.context().close();
    } finally {
      refused = null;
    }
  });

  test('without a policy the page says that every call is refused', async () => {
    const before = revision;
    revision = null;
    try {
      const { page } = await scene.visit('/policy');
      await page.getByText('No policy is in force, so every call is refused.').waitFor();
      expect(await page.getByText('in force since').count()).toBe(0);
      await page.context().close();
    } finally {
      revision = before;
    }
  });

  test('an input that is pasted gets its verdict, with reason, rules, reviewers, level and times', async () => {
    const { page, wrongs } = await scene.visit('/policy');
    await box(page).fill(refund('12345'));
    await judge(page);
    await part(page).getByText('A refund of 123.45 is over the 50.00').waitFor();
    const said = await part(page).innerText();
    expect(said).toMatch(/rules\.payments\/refund-over-limit[^]*hold[^]*rules\/payments\.rego:\d+/);
    expect(said).toContain('level 2: a person approves');
    expect(said).toContain('1 of finance; after 10 min also finance-leads');
    expect(said).toContain('a decision is due within 10 min; after 30 min the call is blocked');
    expect(said).toContain('/amount');
    await box(page).fill(refund('100'));
    await judge(page);
    await part(page).getByText('level 1: passes').waitFor();
    await box(page).fill(refund('900000'));
    await judge(page);
    await part(page).getByText('Ask finance to make it.').waitFor();
    expect(wrongs).toEqual([]);
    await page.context().close();
  });

  test('numbers of an input keep every digit on their way to the policy', async () => {
    const { page } = await scene.visit('/policy');
    const sent = page.waitForRequest('**/api/policy/evaluate');
    await box(page).fill(refund('100.10'));
    await judge(page);
    expect((await sent).postData()).toContain('"amount":100.10');
    await page.context().close();
  });

  test('what is no JSON, no object, or no input is told with the place, and asks nothing of the policy', async () => {
    const { page } = await scene.visit('/policy');
    await judge(page);
    await part(page).getByText('Paste an input first.').waitFor();
    await box(page).fill('{"action": {');
    await judge(page);
    await part(page)
      .getByText(/This is not JSON: .*position 12/)
      .waitFor();
    await box(page).fill('[1]');
    await judge(page);
    await part(page).getByText('An input is an object').waitFor();
    await box(page).fill('{"action":{"system":"payments","methud":"POST"},"resource":{"id":5}}');
    await judge(page);
    const wrong = part(page).getByRole('alert');
    await wrong.getByText('This is not an input of policy').waitFor();
    expect(await wrong.getByRole('listitem').allInnerTexts()).toEqual([
      '/action/methud: inputs have no such member',
      '/resource/id: expected text or null',
    ]);
    expect(await part(page).locator('.decision').count()).toBe(0);
    expect(await scene.axe(page)).toEqual([]);
    await page.context().close();
  });

  test('the example is an input that a policy can judge', async () => {
    const { page } = await scene.visit('/policy');
    await part(page).getByRole('button', { name: 'Start from an example' }).click();
    await judge(page);
    await part(page).locator('.decision').waitFor();
    expect(await part(page).getByRole('alert').innerText()).toBe('');
    await page.context().close();
  });

  test('from the story of a call one sees what policy would say now, next to what it said then', async () => {
    const id = callAt(NOW - MINUTE, 'changed');
    const { page, wrongs } = await scene.visit(`/calls/${id}`);
    await page.getByRole('link', { name: 'What would policy say now?' }).click();
    await part(page).getByText('Policy said allow then, and would say hold now.').waitFor();
    expect(new URL(page.url()).search).toBe(`?call=${id}`);
    const rows = part(page).getByRole('row');
    expect(await rows.filter({ hasText: 'Verdict' }).innerText()).toMatch(/allow\s+hold/);
    expect(await rows.filter({ hasText: 'Rules' }).innerText()).toMatch(/small-refund\s+\S*refund-over-limit/);
    expect(await rows.filter({ hasText: 'Policy' }).innerText()).toMatch(/p1\s+f{12}/);
    // What an agent wrote in its call stays as it was sent.
    expect(await box(page).inputValue()).toContain('\u202egnp.exe');
    await box(page).fill(refund('100'));
    await judge(page);
    await part(page).getByText('The input was changed here, so these are two different calls.').waitFor();
    expect(wrongs).toEqual([]);
    await page.context().close();
  });

  test('a verdict that stays the same is said to, and level and groups stand beside it', async () => {
    const { page } = await tryCall('held', 2);
    await part(page).getByText('Policy would say the same now: hold.').waitFor();
    expect(await part(page).getByRole('row').filter({ hasText: 'Level' }).innerText()).toMatch(/2\s+2/);
    expect(await part(page).getByRole('row').filter({ hasText: 'Asked' }).innerText()).toMatch(/finance\s+finance/);
    expect(await box(page).inputValue()).toContain('"score": 0.10');
    await page.context().close();
  });

  test('places that the record masks are named, as the verdict may differ for them', async () => {
    const { page } = await tryCall('masked', 3);
    await part(page).getByText('Masked in the record, so the verdict may differ: /action/body/amount').waitFor();
    await part(page).getByText('Policy said allow then, and would say block now.').waitFor();
    // What is masked next to the input is none of the policy's business.
    expect(await part(page).getByText('/action/body/amount, path').count()).toBe(0);
    await page.context().close();
  });

  test('an input that masking bent out of shape is told as such', async () => {
    const { page } = await tryCall('bent', 5);
    await part(page).getByText('Masked in the record, so the verdict may differ: /action').waitFor();
    await part(page).getByText('/action: expected an object').waitFor();
    expect(await part(page).locator('.decision').count()).toBe(0);
    await page.context().close();
  });

  test('a call without a recorded input is told, and an input can be pasted and compared', async () => {
    const { page } = await tryCall('dropped', 4);
    await part(page).getByText('The record has no input of this call: it was larger than the record keeps.').waitFor();
    await box(page).fill(refund('100'));
    await judge(page);
    await part(page).getByText('Policy would say the same now: allow.').waitFor();
    // Nobody knows whether it is the same input.
    expect(await part(page).getByText('The input was changed here').count()).toBe(0);
    await page.context().close();
  });

  test('while ClickHouse is away, the rules are there, their hits are not, and an input can be tried', async () => {
    isAway = true;
    try {
      const { page } = await tryCall('held', 2);
      await page.getByText('Hits cannot be counted now').waitFor();
      await part(page).getByText('The call cannot be read').waitFor();
      expect(await rule(page, 'small-refund').innerText()).not.toContain('hit');
      expect(await page.getByText('not reached').count()).toBe(0);
      await box(page).fill(refund('100'));
      await judge(page);
      await part(page).getByText('level 1: passes').waitFor();
      expect(await scene.axe(page)).toEqual([]);
      await page.context().close();
    } finally {
      isAway = false;
    }
  });

  test.for(LOOKS)('axe-core finds nothing, and nothing is wider than the screen: %s', async ([, options]) => {
    const { page } = await scene.visit('/policy', 'ben', options);
    const fits = () => page.evaluate('document.documentElement.scrollWidth <= innerWidth');
    await rule(page, 'small-refund').getByRole('link', { name: '4 hits' }).waitFor();
    expect(await scene.axe(page)).toEqual([]);
    expect(await fits()).toBe(true);
    await page.goto(`${scene.desk.url}/policy?call=${callAt(NOW - MINUTE, 'changed')}`);
    await part(page).getByText('would say hold now').waitFor();
    expect(await scene.axe(page)).toEqual([]);
    expect(await fits()).toBe(true);
    await page.context().close();
  });
});
