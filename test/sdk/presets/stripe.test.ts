import { Stripe } from 'stripe';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { TOKEN } from '../../helpers/data-plane.ts';
import { Answer, KEY, REASON } from '../presets.ts';
import { startPreset, type Preset } from './preset.ts';

let system: Preset;
let stripe: Stripe;

const customer = (n: number, more: object = {}) => ({ id: `cus_${n}`, object: 'customer', ...more });

beforeAll(async () => {
  system = await startPreset(
    'stripe',
    ({ method, url, body, headers }) => {
      const { pathname, searchParams } = new URL(url, 'http://a');
      switch (`${method} ${pathname}`) {
        case 'GET /v1/customers': {
          const n = Number(searchParams.get('starting_after')?.slice(4) ?? 0) + 1;
          return { object: 'list', url: '/v1/customers', has_more: n < 3, data: [customer(n)] };
        }
        case 'GET /v1/customers/cus_1':
          return customer(1);
        case 'POST /v1/customers':
          return customer(4, { name: new URLSearchParams(body.toString()).get('name') });
        case 'GET /v2/core/events': {
          const isFirst = !searchParams.has('page');
          const next = isFirst ? '/v2/core/events?object_id=cus_1&page=2' : null;
          return { data: [{ id: isFirst ? 'evt_1' : 'evt_2', object: 'v2.core.event' }], next_page_url: next };
        }
        case 'POST /v1/files':
          return new Answer(
            200,
            {},
            { id: 'file_1', object: 'file', size: body.length, type: headers['content-type']!.split(';')[0] },
          );
        default:
          return new Answer(404, {}, { error: { type: 'invalid_request_error', message: `No such ${url}` } });
      }
    },
    { listen: '127.0.0.1:0' },
  );
  const [host, port] = system.address().split(':') as [string, string];
  stripe = new Stripe(TOKEN, { host, port, protocol: 'http', maxNetworkRetries: 5 });
});

afterAll(async () => system?.close());

test('the stripe SDK lists, reads and writes with the key of the system', async () => {
  expect((await stripe.customers.list({ limit: 1 })).data).toMatchObject([{ id: 'cus_1' }]);
  expect(await stripe.customers.retrieve('cus_1')).toMatchObject({ id: 'cus_1' });
  expect(
    await stripe.customers.create({ name: 'Ana', metadata: { order: '1' }, expand: ['sources', 'tax_ids'] }),
  ).toMatchObject({ id: 'cus_4', name: 'Ana' });
  expect(system.headers()).toMatchObject({
    authorization: `Bearer ${KEY}`,
    'idempotency-key': expect.stringMatching(/^stripe-node-retry-/),
  });
  system.expectNoToken();
  expect(await system.operations()).toEqual(['GetCustomers', 'GetCustomersCustomer', 'PostCustomers']);
});

test('the stripe SDK pages through customers, and through events of the second version, behind the gateway', async () => {
  const ids = [];
  for await (const { id } of stripe.customers.list({ limit: 1 })) ids.push(id);
  expect(ids).toEqual(['cus_1', 'cus_2', 'cus_3']);
  const events = [];
  for await (const { id } of stripe.v2.core.events.list({ object_id: 'cus_1' })) events.push(id);
  expect(events).toEqual(['evt_1', 'evt_2']);
});

test('the stripe SDK uploads a file', async () => {
  const file = { data: Buffer.from('%PDF-'), name: 'dispute.pdf', type: 'application/pdf' };
  expect(await stripe.files.create({ purpose: 'dispute_evidence', file })).toMatchObject({
    id: 'file_1',
    type: 'multipart/form-data',
  });
});

test('the permission error of the stripe SDK says why a customer is blocked', async () => {
  await expect(stripe.customers.create({ name: 'secret' })).rejects.toMatchObject({
    type: 'StripePermissionError',
    statusCode: 403,
    message: REASON,
  });
});

test('the stripe SDK retries a held customer until it is approved, and it is made once', async () => {
  expect(await system.approved(() => stripe.customers.create({ name: 'large' }))).toMatchObject({ name: 'large' });
});
