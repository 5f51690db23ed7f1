import { Stripe } from 'stripe';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CONSOLE_FILES, isConsoleBuilt } from '../../../admin/console-files.ts';
import { startPaymentsApi, type PaymentsApi } from '../../../gateway/demo/payments-api.ts';
import { hashToken } from '../../../gateway/identify/token.ts';
import {
  createPlace,
  freePort,
  REVIEWER_TOKEN,
  runMain,
  TOKEN,
  type Place,
  type RunningGateway,
} from '../../helpers/gateway.ts';
import { CHROMIUM, launchBrowser, openPage } from './scene.ts';

const CHARGE = 'ch_3Rd000000000000000002';
const KEY = 'sk_live_upstream';

const isBuilt = isConsoleBuilt(CONSOLE_FILES);
if (!isBuilt) console.warn('Skipped: the console is not built. Run npm run build:console.');

describe.skipIf(CHROMIUM === null || !isBuilt)('a whole gateway with its console in Chromium', () => {
  let api: PaymentsApi;
  let place: Place;
  let gateway: RunningGateway;
  let stripe: Stripe;
  let browser: Awaited<ReturnType<typeof launchBrowser>>;

  beforeAll(async () => {
    api = await startPaymentsApi({ key: KEY });
    const port = await freePort();
    place = await createPlace(api.url, {
      systems: {
        payments: {
          upstream: api.url,
          listen: `127.0.0.1:${port}`,
          credential: { header: 'authorization', value: `Bearer ${KEY}` },
        },
      },
      agents: [
        {
          id: 'billing-bot',
          owner: 'ana@example.com',
          token_sha256: hashToken(TOKEN),
          roles: ['payer'],
          systems: ['payments'],
        },
      ],
      reviewers: [
        { id: 'ben@example.com', token_sha256: hashToken(REVIEWER_TOKEN), groups: ['finance'], roles: ['reviewer'] },
      ],
    });
    gateway = await place.start();
    // An unmodified SDK with another host, port and key.
    stripe = new Stripe(TOKEN, { host: '127.0.0.1', port, protocol: 'http' });
    browser = await launchBrowser();
  });
  afterAll(async () => {
    await browser?.close();
    await place?.remove();
    await api?.close();
  });

  const refundsMade = () => api.executed().filter(({ method }) => method === 'POST').length;

  test('a reviewer signs in with a printed link and approves a held refund, and the SDK that waits gets its answer', async () => {
    const { stdout, stderr } = await runMain('sign-in', '--as', 'ben@example.com', '--config', place.config);
    const link = new URL(/https?:\/\/\S+\/sign-in#\S+/.exec(stdout)?.[0] ?? stderr);
    const { page, wrongs } = await openPage(browser, gateway.adminUrl, link.pathname + link.hash);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('heading', { name: 'Held calls' }).waitFor();
    await page.getByText('Live', { exact: true }).waitFor();

    const refund = stripe.refunds.create({ charge: CHARGE, amount: 25_000 });
    const rows = page.getByRole('list', { name: 'Held calls' }).getByRole('listitem');
    await expect.poll(() => rows.count()).toBe(1);
    await page.keyboard.press('j');
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: 'Approve' }).waitFor();
    expect(refundsMade()).toBe(0);
    await page.getByLabel('This cannot be undone').fill('25000');
    await page.getByRole('button', { name: 'Approve' }).click();

    expect(await refund).toMatchObject({ object: 'refund', amount: 25_000 });
    await page.getByText('Answered with status 200').waitFor();
    expect(refundsMade()).toBe(1);
    expect(wrongs).toEqual([]);
    await page.context().close();
  });

  test('a refund that a reviewer rejects is never sent, and the SDK is told', async () => {
    const before = refundsMade();
    const { page, wrongs } = await openPage(browser, gateway.adminUrl, '/sign-in');
    await page.getByLabel('Your reviewer’s token').fill(REVIEWER_TOKEN);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('heading', { name: 'Held calls' }).waitFor();
    const refused = stripe.refunds.create({ charge: CHARGE, amount: 26_000 }).catch((error: unknown) => error);
    await page.getByRole('list', { name: 'Held calls' }).getByRole('link').first().click();
    await page.getByRole('button', { name: 'Reject' }).waitFor();
    await page.keyboard.press('r');
    await page.getByLabel('Wrong amount').check();
    await page.getByLabel('Note, which the agent reads').fill('Half of it.');
    await page.keyboard.press('Control+Enter');
    const error = await refused;
    expect(error).toMatchObject({ statusCode: 403, raw: { code: 'rejected' } });
    expect(refundsMade()).toBe(before);
    expect(wrongs).toEqual([]);
    await page.context().close();
  });
});
