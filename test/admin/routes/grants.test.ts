import { afterEach, beforeEach, expect, test } from 'vitest';
import { openDesk, type Desk } from '../desk.ts';

let desk: Desk;
let id: string;
beforeEach(async () => {
  desk = await openDesk();
  const hold = await desk.hold();
  await desk.post(`/api/holds/${hold}/approve`, { body: { grant: { uses: 2, for: '1h', open: ['/amount'] } } });
  id = (await grants())[0]!.grant_id;
});
afterEach(async () => {
  await desk.close();
});

async function grants(query = ''): Promise<{ grant_id: string }[]> {
  return ((await desk.get(`/api/grants${query}`)).json as { items: { grant_id: string }[] }).items;
}

test('grants are listed with what they cover', async () => {
  expect(await grants()).toMatchObject([
    {
      agent: 'billing-bot',
      system: 'payments',
      operation: 'createRefund',
      open: ['/amount'],
      ceilings: { '/amount': '50000' },
      rules: ['rules.payments/refund-over-limit'],
      uses: 2,
      used: 0,
      until: new Date(desk.now + 3_600_000).toISOString(),
      by: ['ben@example.com'],
      revoked: null,
    },
  ]);
  expect(await grants('?agent=mail-bot')).toEqual([]);
  desk.now += 3_600_000;
  expect(await grants('?active=true')).toEqual([]);
  expect(await grants('?active=false')).toHaveLength(1);
});

test.each([
  ['its approver', 'ben'],
  ['an operator', 'olga'],
])('%s revokes a grant, and revoking again changes nothing', async (_name, who) => {
  const at = new Date(desk.now).toISOString();
  const revoked = { at, by: `${who}@example.com` };
  expect(await desk.delete(`/api/grants/${id}`, { who })).toMatchObject({ status: 200, json: { revoked } });
  desk.now += 1_000;
  expect(await desk.delete(`/api/grants/${id}`, { who })).toMatchObject({ status: 200, json: { revoked } });
  expect(await grants('?active=true')).toEqual([]);
});

test('another reviewer may not revoke a grant', async () => {
  expect(await desk.delete(`/api/grants/${id}`, { who: 'cleo' })).toMatchObject({
    status: 403,
    json: { detail: expect.stringContaining('ben@example.com') },
  });
  expect(await grants('?active=true')).toHaveLength(1);
});

test('an unknown grant is 404', async () => {
  expect((await desk.delete(`/api/grants/grant_${'0'.repeat(32)}`)).status).toBe(404);
});

test('an analyst sees grants without their ceilings, which are members of a body', async () => {
  expect(await grants()).toMatchObject([{ ceilings: { '/amount': '50000' } }]);
  const { json } = await desk.get('/api/grants', 'eve');
  expect(json).toMatchObject({ items: [{ grant_id: id, ceilings: {} }] });
});
