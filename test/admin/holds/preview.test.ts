import { afterEach, beforeEach, expect, test } from 'vitest';
import { openDesk, REFUND, type Desk } from '../desk.ts';

let desk: Desk;
beforeEach(async () => {
  desk = await openDesk();
});
afterEach(async () => {
  await desk.close();
});

const preview = (id: string, body: object | string, more: object = {}) =>
  desk.post(`/api/holds/${id}/preview`, { body, ...more });

test('a preview tells the verdict, the change and its consequence, and that another person must approve it', async () => {
  const id = await desk.hold();
  expect(await preview(id, { edit: { amount: 100 } })).toMatchObject({
    status: 200,
    json: {
      verdict: 'hold',
      rules: ['rules.payments/refund-over-limit'],
      reasons: ['more than 100 USD'],
      body: { amount: 100, currency: 'usd', charge: 'ch_1' },
      diff: [{ pointer: '/amount', from: 50_000, to: 100 }],
      consequence: expect.stringMatching(
        /^Approving sends POST \/payments\/v1\/refunds\?a=1 .* 47 bytes .*ben@example.com changed it/,
      ),
      somebody_else: true,
      problem: null,
    },
  });
});

test('a preview changes and records nothing', async () => {
  const id = await desk.hold();
  const before = await desk.store.outbox.read(0, 100);
  await preview(id, { edit: { amount: 100 } });
  await preview(id, { edit: { amount: 100_001 } });
  desk.now += 3_600_000;
  expect((await preview(id, { edit: { amount: 100 } })).status).toBe(409);
  expect(await desk.store.holds.find(id)).toMatchObject({ version: 1, status: 'pending', votes: [] });
  expect(await desk.store.outbox.read(0, 100)).toEqual(before);
  desk.now -= 3_600_000;
  const approved = await desk.post(`/api/holds/${id}/approve`);
  expect(approved.json).toMatchObject({ routing: { votes: [{ seen_at: null }] } });
});

test('a preview of an edit that policy blocks shows it with the reason', async () => {
  const id = await desk.hold();
  expect(await preview(id, { edit: { amount: 100_001 } })).toMatchObject({
    status: 200,
    json: {
      verdict: 'block',
      body: { amount: 100_001 },
      diff: [{ pointer: '/amount', from: 50_000, to: 100_001 }],
      consequence: expect.stringContaining('Nothing is sent'),
      somebody_else: false,
      problem: { code: 'edit-blocked', detail: expect.stringContaining('more than anybody may refund') },
    },
  });
});

test.each([
  ['a place that may not change', { charge: 'ch_2' }, '/charge', /may not be changed, only \/amount/],
  ['nothing', { amount: 50_000 }, null, /changes nothing/],
])('a preview of an edit that changes %s shows the call as it is and says why', async (_what, edit, pointer, why) => {
  const id = await desk.hold();
  expect(await preview(id, { edit })).toMatchObject({
    status: 200,
    json: {
      verdict: 'hold',
      body: JSON.parse(REFUND),
      diff: [],
      problem: { code: 'invalid', detail: expect.stringMatching(why), pointer },
    },
  });
});

test('a preview keeps every digit, and shows a number that JavaScript would round as text', async () => {
  const id = await desk.hold('{"amount":12345678901234567890,"charge":"ch_1"}');
  // The policy of these tests blocks it, and still shows it.
  expect((await preview(id, '{"edit":{"amount":12345678901234567891}}')).json).toMatchObject({
    diff: [{ pointer: '/amount', from: '12345678901234567890', to: '12345678901234567891' }],
  });
});

test('a preview takes a JSON Patch (RFC 6902) too, and tells what is removed', async () => {
  const id = await desk.hold();
  const patch = [{ op: 'remove', path: '/amount' }];
  for (const asked of [{ body: { patch } }, { body: patch, type: 'application/json-patch+json' }]) {
    const { json } = await desk.post(`/api/holds/${id}/preview`, asked);
    expect((json as { diff: unknown }).diff).toEqual([{ pointer: '/amount', from: 50_000 }]);
  }
  expect(await preview(id, { edit: { amount: 1 }, patch })).toMatchObject({ status: 422 });
});

test('a preview is for the revision that If-Match names, and for people who may edit', async () => {
  const id = await desk.hold();
  const body = { edit: { amount: 100_001 } };
  expect((await preview(id, body, { ifMatch: null })).status).toBe(428);
  expect((await preview(id, body, { ifMatch: '"2"' })).status).toBe(412);
  // They learn nothing from policy.
  for (const who of ['ana', 'dan', 'eve']) expect((await preview(id, body, { who })).status).toBe(403);
  await desk.post(`/api/holds/${id}/claim`, { who: 'cleo' });
  expect((await preview(id, body)).status).toBe(423);
  await desk.post(`/api/holds/${id}/reject`, { who: 'cleo', body: { code: 'other' } });
  expect(await preview(id, body)).toMatchObject({ status: 409, json: { decided: { by: 'cleo@example.com' } } });
  expect((await preview(await desk.handoff('exception'), body)).status).toBe(409);
});

test('a call that cannot be displayed in full has no preview', async () => {
  const id = await desk.hold('{"amount":1}');
  const { holds, contents } = desk.store;
  const without = await openDesk({ holds, contents: { ...contents, call: async () => null } });
  try {
    expect(await without.post(`/api/holds/${id}/preview`, { body: { edit: { amount: 2 } } })).toMatchObject({
      status: 409,
      json: { code: 'incomplete' },
    });
  } finally {
    await without.close();
  }
});
