import { Stripe } from 'stripe';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startPaymentsApi } from '../../../gateway/demo/payments-api.ts';
import type { PaymentsApi } from '../../../gateway/demo/payments-api.ts';

const KEY = 'sk_test_payments';
const FURNITURE = 'ch_3Rd000000000000000002';

let api: PaymentsApi;
let stripe: Stripe;

function client(key: string): Stripe {
  return new Stripe(key, { host: '127.0.0.1', port: api.port, protocol: 'http', maxNetworkRetries: 0 });
}

beforeEach(async () => {
  api = await startPaymentsApi({ key: KEY });
  stripe = client(KEY);
});
afterEach(() => api.close());

describe('the example payments API with the real stripe SDK', () => {
  it('the API lists and retrieves the seeded customers and charges', async () => {
    const customers = await stripe.customers.list();
    expect(customers.data.map((customer) => customer.name)).toEqual(['Sam Okafor', 'Northwind Trading', 'Jo Marsh']);
    expect((await stripe.customers.retrieve('cus_Rd0000000001')).lastResponse.requestId).toMatch(/^req_/);
    const charges = await stripe.charges.list({ customer: 'cus_Rd0000000002' });
    expect(charges.data.map((charge) => charge.id)).toEqual([FURNITURE]);
    expect((await stripe.charges.retrieve(FURNITURE)).amount).toBe(1_200_000);
  });

  it('the API pages through a list as the SDK asks', async () => {
    const seen: string[] = [];
    for await (const charge of stripe.charges.list({ limit: 2 })) seen.push(charge.id);
    expect(seen).toHaveLength(3);
    expect(api.executed()).toHaveLength(2);
  });

  it('the API refunds part of a charge, with metadata, and lists the refund', async () => {
    const refund = await stripe.refunds.create({ charge: FURNITURE, amount: 2000, metadata: { order: 'A-17' } });
    expect(refund).toMatchObject({ object: 'refund', amount: 2000, status: 'succeeded', metadata: { order: 'A-17' } });
    expect((await stripe.refunds.list({ charge: FURNITURE })).data.map((item) => item.id)).toEqual([refund.id]);
    expect((await stripe.charges.retrieve(FURNITURE)).amount_refunded).toBe(2000);
  });

  it('the API refunds the rest of a charge when no amount is given, and then no more', async () => {
    await stripe.refunds.create({ charge: FURNITURE, amount: 200_000 });
    expect((await stripe.refunds.create({ charge: FURNITURE })).amount).toBe(1_000_000);
    await expect(stripe.refunds.create({ charge: FURNITURE })).rejects.toMatchObject({
      type: 'StripeInvalidRequestError',
      code: 'charge_already_refunded',
    });
  });

  it('the API answers a repeated Idempotency-Key with the first answer and executes once', async () => {
    const params = { charge: FURNITURE, amount: 2000 };
    const first = await stripe.refunds.create(params, { idempotencyKey: 'k1' });
    const second = await stripe.refunds.create(params, { idempotencyKey: 'k1' });
    expect(second.id).toBe(first.id);
    expect(second.lastResponse.headers['idempotent-replayed']).toBe('true');
    expect((await stripe.charges.retrieve(FURNITURE)).amount_refunded).toBe(2000);
    await expect(stripe.refunds.create({ ...params, amount: 1 }, { idempotencyKey: 'k1' })).rejects.toMatchObject({
      type: 'StripeIdempotencyError',
    });
  });

  it('the API answers unknown charges, bad amounts and unknown paths as Stripe does', async () => {
    await expect(stripe.refunds.create({ charge: 'ch_none' })).rejects.toMatchObject({
      type: 'StripeInvalidRequestError',
      code: 'resource_missing',
    });
    await expect(stripe.refunds.create({ charge: FURNITURE, amount: -5 })).rejects.toMatchObject({ param: 'amount' });
    await expect(stripe.balance.retrieve()).rejects.toMatchObject({ statusCode: 404 });
  });

  it('the API refuses any key but its own and does not count such a call as executed', async () => {
    await expect(client('sk_test_other').customers.list()).rejects.toMatchObject({
      type: 'StripeAuthenticationError',
    });
    expect(api.executed()).toEqual([]);
  });

  it('the API lists every call that reached it, with its parameters', async () => {
    await stripe.refunds.create({ charge: FURNITURE, amount: 2000, metadata: { order: 'A-17' } });
    expect(api.executed()).toEqual([
      {
        method: 'POST',
        path: '/v1/refunds',
        params: { charge: FURNITURE, amount: '2000', 'metadata[order]': 'A-17' },
        status: 200,
      },
    ]);
  });
});
