import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Page } from 'playwright-core';
import { createCallLog } from '../../../audit/calls/call-log.ts';
import { connectClickHouse } from '../../../audit/clickhouse/clickhouse.ts';
import { migrate } from '../../../audit/clickhouse/migrate.ts';
import { allowed, callAt, holdStep, signer } from '../../audit/calls/steps.ts';
import { openWarehouse, type Warehouse } from '../../audit/clickhouse/warehouse.ts';
import { writeRecord } from '../../audit/ledger/record.ts';
import { CHROMIUM, openScene, type Scene } from './scene.ts';

const NOW = Date.now();
const MINUTE = 60_000;

describe.skipIf(CHROMIUM === null)('the recorded calls in Chromium', () => {
  let scene: Scene;
  let warehouse: Warehouse;
  let isAway = false;

  beforeAll(async () => {
    warehouse = await openWarehouse();
    const { client } = warehouse;
    await migrate(client);
    const blocked = {
      verdict: 'block',
      reason: 'Refunds over 1000.00 are not for agents.',
      status: 403,
      code: 'blocked',
    } as const;
    const held = allowed(NOW - 2 * MINUTE, 'held', { verdict: 'hold', reason: 'Too much for one.', agent: 'crm-bot' });
    const events = [
      // More than a page, an hour and a half ago.
      ...Array.from({ length: 60 }, (_, index) => allowed(NOW - 90 * MINUTE - index * 1000, `old${index}`)).flat(),
      ...allowed(NOW - 3 * MINUTE, 'blocked', { ...blocked, operation: 'create\u202eRefund' }),
      { ...held[0]!, input: '{"action":{"body":{"amount":12345678901234567890.10}}}' },
      holdStep(NOW - 2 * MINUTE, 'held', 'hold.opened', { level: 2 }),
      holdStep(NOW - MINUTE, 'held', 'hold.rejected', {
        call_id: callAt(NOW - 2 * MINUTE, 'held'),
        reason: 'The customer has already been paid.',
        code: 'duplicate',
        actor: 'ben@example.com',
        actor_kind: 'reviewer',
        channel: 'console',
      }),
      { ...held[1]!, hold_id: 'hold_held', status: 403, code: 'rejected', at: NOW - MINUTE },
    ];
    await writeRecord(client, { chain: 'chain-1', signer, segments: [events] });
    const record = createCallLog(client);
    // A ClickHouse that does not answer, and a call that is still in the journal.
    const nowhere = connectClickHouse({ url: 'http://127.0.0.1:1' });
    const waiting = allowed(NOW - MINUTE, 'waiting', { operation: 'undelivered' });
    const journals = { read: async () => waiting };
    const journal = createCallLog(nowhere, { undelivered: { journals, outbox: async () => [] } });
    const of = () => (isAway ? journal : record);
    scene = await openScene({
      calls: {
        search: (filter, page) => of().search(filter, page),
        story: (id) => of().story(id),
        history: (like, signal) => record.history(like, signal),
      },
    });
  });
  afterAll(async () => {
    await scene?.close();
    await warehouse?.[Symbol.asyncDispose]();
  });

  const rows = (page: Page) => page.getByRole('list', { name: 'Calls' }).getByRole('listitem');

  test('calls are listed newest first, with verdict, reason and end, and earlier ones follow page by page', async () => {
    const { page, wrongs } = await scene.visit('/calls');
    await expect.poll(() => rows(page).count()).toBe(50);
    expect(await rows(page).first().innerText()).toMatch(
      /hold[^]*createRefund[^]*crm-bot[^]*Too much for one[^]*403 rejected/,
    );
    // A character that turns the direction of a text is written out.
    expect(await rows(page).nth(1).innerText()).toContain(String.raw`create\u{202e}Refund`);
    await page.getByRole('button', { name: 'Show earlier calls' }).click();
    await expect.poll(() => rows(page).count()).toBe(62);
    expect(await page.getByRole('button', { name: 'Show earlier calls' }).count()).toBe(0);
    expect(wrongs).toEqual([]);
    await page.context().close();
  });

  test('filters are in the address, and are there again after a reload', async () => {
    const { page } = await scene.visit('/calls?rule=rules.payments%2Fsmall-refund');
    await page.getByLabel('Verdict').selectOption('block');
    await expect.poll(() => rows(page).count()).toBe(1);
    await page.reload();
    await expect.poll(() => rows(page).count()).toBe(1);
    expect(new URL(page.url()).search).toContain('verdict=block');
    await page.getByRole('button', { name: /^Any rule/ }).click();
    await page.getByLabel('Verdict').selectOption('');
    await page.getByLabel('Period').selectOption('1h');
    await expect.poll(() => rows(page).count()).toBe(2);
    expect(new URL(page.url()).search).toBe('?period=1h');
    await page.context().close();
  });

  test('words of a person’s note find the call on which it was written, and other words say that nothing fits', async () => {
    const { page } = await scene.visit('/calls');
    const words = page.getByRole('searchbox');
    await words.fill('ALREADY been');
    await words.press('Enter');
    await expect.poll(() => rows(page).count()).toBe(1);
    await words.fill('no such words');
    await words.press('Enter');
    await page.getByRole('heading', { name: 'No call fits' }).waitFor();
    await page.context().close();
  });

  test('the live tail shows each call that comes, on top', async () => {
    const { page } = await scene.visit('/calls?agent=tail-bot');
    await page.getByRole('heading', { name: 'No call fits' }).waitFor();
    await page.getByRole('button', { name: 'Live tail' }).click();
    const write = (chain: string, name: string, at: number) =>
      writeRecord(warehouse.client, {
        chain,
        signer,
        segments: [allowed(at, name, { agent: 'tail-bot', operation: name })],
      });
    await write('chain-2', 'first', NOW - 4 * MINUTE);
    await page.getByText('first', { exact: true }).waitFor();
    await write('chain-3', 'second', NOW - 4 * MINUTE + 1000);
    await page.getByText('second', { exact: true }).waitFor();
    expect(await rows(page).first().innerText()).toContain('second');
    await page.context().close();
  });

  test('the story of a call has its steps with who took them, its input to the last digit, and its places in the ledger', async () => {
    const { page, wrongs } = await scene.visit('/calls');
    await rows(page).first().waitFor();
    await page.keyboard.press('j');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'What happened' }).waitFor();
    expect(new URL(page.url()).pathname).toBe(`/calls/${callAt(NOW - 2 * MINUTE, 'held')}`);
    const steps = page.getByRole('region', { name: 'What happened' }).getByRole('listitem');
    await expect.poll(() => steps.count()).toBe(4);
    const told = await steps.allInnerTexts();
    expect(told[0]).toContain('Policy said hold, by rules.payments/small-refund: Too much for one.');
    expect(told[1]).toContain('Hold opened');
    expect(told[2]).toContain(
      'Hold rejected: duplicate, The customer has already been paid. by ben@example.com, console',
    );
    expect(told[3]).toContain('The agent was answered with 403');
    expect(await page.getByLabel('Policy input').innerText()).toContain('amount: 12345678901234567890.10');
    await steps.first().getByText('Number 123 in the ledger, signed at').click();
    expect(await steps.first().innerText()).toContain('numbers 1 to 126');
    await page.getByRole('link', { name: 'crm-bot' }).click();
    await expect.poll(() => rows(page).count()).toBe(1);
    expect(new URL(page.url()).search).toBe('?agent=crm-bot');
    expect(wrongs).toEqual([]);
    await page.context().close();
  });

  test('a call that is not on record is told as such', async () => {
    const id = callAt(NOW, 'nobody');
    const { page } = await scene.visit(`/calls/${id}`);
    expect(await page.getByText(/The audit record has no call/).innerText()).toContain(id);
    await page.context().close();
  });

  test('while ClickHouse is away, the calls that wait in the journal are shown, and that others are missing', async () => {
    isAway = true;
    try {
      const { page } = await scene.visit('/calls');
      await page.getByText('ClickHouse does not answer.').waitFor();
      await page.getByText('undelivered').click();
      const steps = page.getByRole('region', { name: 'What happened' }).getByRole('listitem');
      await expect.poll(() => steps.allInnerTexts()).toHaveLength(2);
      expect(await steps.first().innerText()).toContain('In the journal, not delivered yet.');
      await page.context().close();
    } finally {
      isAway = false;
    }
  });

  test.for([
    ['a desk', {}],
    ['a phone', { viewport: { width: 380, height: 800 } }],
    ['the dark', { colorScheme: 'dark' as const }],
  ] as const)('axe-core finds nothing on the list and on a story: %s', async ([, options]) => {
    const { page } = await scene.visit('/calls', 'ben', options);
    await rows(page).first().waitFor();
    expect(await scene.axe(page)).toEqual([]);
    expect(await page.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true);
    await rows(page).first().getByRole('link').click();
    await page.getByRole('heading', { name: 'What happened' }).waitFor();
    await page
      .getByText(/in the ledger/)
      .first()
      .click();
    expect(await scene.axe(page)).toEqual([]);
    expect(await page.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true);
    await page.context().close();
  });
});
