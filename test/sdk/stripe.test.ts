import { readFile } from 'node:fs/promises';
import { Stripe } from 'stripe';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startPaymentsApi, type PaymentsApi } from '../../gateway/demo/payments-api.ts';
import { decodeBundle } from '../../gateway/domain/bundle.ts';
import { SHIPPED_BUNDLE } from '../../policies/compile.ts';
import { decide, startAdmin } from '../helpers/admin.ts';
import { startDataPlane, TOKEN, type DataPlane } from '../helpers/data-plane.ts';

const CHARGE = 'ch_3Rd000000000000000002';

let api: PaymentsApi;
let plane: DataPlane;
let admin: Awaited<ReturnType<typeof startAdmin>>;
let stripe: Stripe;

beforeAll(async () => {
  api = await startPaymentsApi({ key: 'sk_live_upstream' });
  plane = await startDataPlane({
    systems: {
      payments: {
        upstream: api.url,
        listen: '127.0.0.1:0',
        credential: { header: 'authorization', value: 'Bearer sk_live_upstream' },
        wait: '30s',
      },
    },
    rego: decodeBundle(await readFile(SHIPPED_BUNDLE, 'utf8')),
  });
  admin = await startAdmin(plane);
  // An unmodified SDK with another host, port and key.
  const [host, port] = plane.address('payments').split(':') as [string, string];
  stripe = new Stripe(TOKEN, { host, port: Number(port), protocol: 'http' });
});

afterAll(async () => {
  await admin?.close();
  await plane?.close();
  await api?.close();
});

const refundsMade = () => api.executed().filter((call) => call.method === 'POST').length;

test('the stripe SDK lists customers', async () => {
  expect((await stripe.customers.list()).data.length).toBe(3);
});

test('the stripe SDK makes a small refund without approval', async () => {
  expect(await stripe.refunds.create({ charge: CHARGE, amount: 2000 })).toMatchObject({
    object: 'refund',
    amount: 2000,
  });
});

test('the stripe SDK gets its refund object once a reviewer has approved a large refund', async () => {
  const before = refundsMade();
  const refund = stripe.refunds.create({ charge: CHARGE, amount: 25_000, metadata: { order: '1' } });
  expect((await decide(admin, 'approve', { note: 'agreed' })).status).toBe(200);
  expect(await refund).toMatchObject({ object: 'refund', amount: 25_000, metadata: { order: '1' } });
  expect(refundsMade()).toBe(before + 1);
});

test("the stripe SDK raises a permission error with the reviewer's words when a large refund is rejected", async () => {
  const before = refundsMade();
  const refund = stripe.refunds.create({ charge: CHARGE, amount: 26_000 });
  const settled = refund.then(
    () => null,
    (error: unknown) => error,
  );
  await decide(admin, 'reject', { code: 'wrong-amount', note: 'The customer asked for 20.00.' });
  expect(await settled).toMatchObject({
    type: 'StripePermissionError',
    statusCode: 403,
    raw: { code: 'rejected' },
  });
  expect(refundsMade()).toBe(before);
});

test("the stripe SDK raises a permission error with the policy's reason when a refund is blocked", async () => {
  const before = refundsMade();
  await expect(stripe.refunds.create({ charge: CHARGE, amount: 500_000 })).rejects.toMatchObject({
    type: 'StripePermissionError',
    message: expect.stringContaining('over the 1000.00 that may go through an agent at all'),
  });
  expect(refundsMade()).toBe(before);
});

test('the stripe SDK reports a wrong key in its own words', async () => {
  const [host, port] = plane.address('payments').split(':') as [string, string];
  const stranger = new Stripe('sk_test_nobody', { host, port: Number(port), protocol: 'http' });
  await expect(stranger.customers.list()).rejects.toMatchObject({ type: 'StripeAuthenticationError' });
});
