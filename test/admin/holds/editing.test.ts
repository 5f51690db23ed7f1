import { afterEach, beforeEach, expect, test } from 'vitest';
import { openDesk, REFUND, requirement, type Desk } from '../desk.ts';

let desk: Desk;
beforeEach(async () => {
  desk = await openDesk();
});
afterEach(async () => {
  await desk.close();
});

const edit = (id: string, amount: unknown, more: object = {}) =>
  desk.post(`/api/holds/${id}/approve`, { body: { edit: { amount } }, ...more });

test('an edit makes a new revision, which its editor alone cannot approve', async () => {
  const id = await desk.hold();
  const answer = await edit(id, 100, { body: { edit: { amount: 100 }, note: 'less' } });
  expect(answer.status).toBe(200);
  expect(answer.headers.get('etag')).toBe('"2"');
  expect(answer.json).toMatchObject({
    status: 'pending',
    revision: 2,
    action: { body: { amount: 100 }, body_text: '{"amount":100,"currency":"usd","charge":"ch_1"}', complete: true },
    diff: {
      current: null,
      proposed: { amount: 50_000, currency: 'usd', charge: 'ch_1' },
      edited: { amount: 100, currency: 'usd', charge: 'ch_1' },
      edited_by: ['ben@example.com'],
    },
    policy: { revision: 'p2' },
    routing: { approvals: 1, votes: [{ reviewer: 'ben@example.com', revision: 2, counts: true, note: 'less' }] },
    consequence: expect.stringContaining('ben@example.com changed it, so somebody else has to approve'),
    you_voted: true,
    you_may: { approve: false },
  });
  expect(await desk.post(`/api/holds/${id}/approve`, { who: 'cleo' })).toMatchObject({ status: 412 });
  const second = await desk.post(`/api/holds/${id}/approve`, { who: 'cleo', ifMatch: '"2"' });
  expect(second.json).toMatchObject({ status: 'approved' });
  expect((await desk.store.contents.call(id))?.body.toString()).toBe('{"amount":100,"currency":"usd","charge":"ch_1"}');
});

test('an edit voids earlier votes', async () => {
  const id = await desk.hold(REFUND, { requirements: [requirement(['finance'], 2)] });
  await desk.post(`/api/holds/${id}/approve`, { who: 'cleo' });
  expect((await edit(id, 100)).json).toMatchObject({
    routing: {
      approvals: 1,
      votes: [
        { reviewer: 'cleo@example.com', revision: 1, counts: false },
        { reviewer: 'ben@example.com', revision: 2, counts: true },
      ],
    },
  });
});

test('an edit keeps every digit', async () => {
  const id = await desk.hold();
  await desk.post(`/api/holds/${id}/approve`, { body: '{"edit":{"amount":10.50}}' });
  expect((await desk.store.contents.call(id))?.body.toString()).toContain('"amount":10.50,');
});

test('a field that is not editable is refused with its pointer, and nothing changes', async () => {
  const id = await desk.hold();
  for (const body of [{ edit: { charge: 'ch_2' } }, { edit: { amount: 1, charge: 'ch_2' } }]) {
    expect(await desk.post(`/api/holds/${id}/approve`, { body })).toMatchObject({
      status: 422,
      json: { code: 'invalid', errors: [{ in: 'body', pointer: '/edit/charge' }] },
    });
  }
  expect((await desk.store.holds.find(id))?.version).toBe(1);
});

test.each([
  ['changes nothing', { edit: { amount: 50_000 } }],
  ['is no object', { edit: null }],
])('an edit that %s is refused', async (_name, body) => {
  const id = await desk.hold();
  expect(await desk.post(`/api/holds/${id}/approve`, { body })).toMatchObject({
    status: 422,
    json: { errors: [{ in: 'body', pointer: expect.stringMatching(/^\/edit/) }] },
  });
  expect((await desk.store.holds.find(id))?.version).toBe(1);
});

test('an edit that policy would block is refused, and nothing changes', async () => {
  const id = await desk.hold();
  expect(await edit(id, 100_001)).toMatchObject({
    status: 422,
    json: { code: 'edit-blocked', detail: expect.stringContaining('more than anybody may refund') },
  });
  expect((await desk.store.holds.find(id))?.version).toBe(1);
});

test('a reviewer who may not approve may not edit either, and learns nothing from policy', async () => {
  const id = await desk.hold();
  for (const who of ['ana', 'dan', 'eve']) expect((await edit(id, 100_001, { who })).status).toBe(403);
});

test('an edit is not approved when its original cannot be displayed', async () => {
  const id = await desk.hold();
  await edit(id, 100);
  const { holds, contents } = desk.store;
  const without = await openDesk({
    holds,
    contents: {
      ...contents,
      call: async (hold, revision) => (revision === 1 ? null : await contents.call(hold, revision)),
    },
  });
  try {
    const who = 'cleo';
    expect((await without.get(`/api/holds/${id}`, who)).json).toMatchObject({
      action: { complete: false, missing: expect.stringContaining('What the agent sent cannot be shown') },
      you_may: { approve: false, reject: true },
    });
    expect(await without.post(`/api/holds/${id}/approve`, { who, ifMatch: '"2"' })).toMatchObject({
      status: 409,
      json: { code: 'incomplete' },
    });
  } finally {
    await without.close();
  }
});

test('an approval that covers further calls makes a grant', async () => {
  const id = await desk.hold();
  const body = { grant: { uses: 3, for: '8h', open: ['/amount'] } };
  expect((await desk.post(`/api/holds/${id}/approve`, { body })).json).toMatchObject({
    status: 'approved',
    routing: {
      votes: [{ grant: { uses: 3, open: ['/amount'], until: new Date(desk.now + 28_800_000).toISOString() } }],
    },
  });
  expect((await desk.get('/api/grants')).json).toMatchObject({
    items: [{ agent: 'billing-bot', hold_id: id, uses: 3, by: ['ben@example.com'] }],
  });
});

test.each([
  ['neither until nor for', { uses: 1 }, '/grant'],
  ['both until and for', { uses: 1, for: '1h', until: '2100-01-01T00:00:00Z' }, '/grant'],
  ['no use', { uses: 0, for: '1h' }, '/grant/uses'],
  ['a period without a unit', { uses: 1, for: '60' }, '/grant/for'],
  ['a time past', { uses: 1, until: '2001-01-01T00:00:00Z' }, '/grant/until'],
  ['a period too long', { uses: 1, for: '400d' }, '/grant/until'],
  ['a pinned member left open', { uses: 1, for: '1h', open: ['/charge'] }, '/grant/open'],
])('a grant with %s is refused and names the field', async (_name, grant, pointer) => {
  const id = await desk.hold();
  expect(await desk.post(`/api/holds/${id}/approve`, { body: { grant } })).toMatchObject({
    status: 422,
    json: { errors: [{ in: 'body', pointer }] },
  });
  expect((await desk.store.holds.find(id))?.version).toBe(1);
});

test('a grant is refused with an edit or for an irreversible call', async () => {
  const grant = { uses: 1, for: '1h' };
  const id = await desk.hold();
  expect(await desk.post(`/api/holds/${id}/approve`, { body: { grant, edit: { amount: 1 } } })).toMatchObject({
    status: 422,
    json: { errors: [{ pointer: '/grant' }] },
  });
  const forGood = await desk.hold('{"amount":1}', { reversible: false });
  expect(await desk.post(`/api/holds/${forGood}/approve`, { body: { grant } })).toMatchObject({ status: 403 });
});

test('an edit as a JSON Patch can set null, in the body or as the whole request (RFC 6902)', async () => {
  const patch = [{ op: 'replace', path: '/amount', value: null }];
  for (const asked of [{ body: { patch } }, { body: patch, type: 'application/json-patch+json' }]) {
    const id = await desk.hold();
    const answer = await desk.post(`/api/holds/${id}/approve`, asked);
    expect(answer).toMatchObject({ status: 200, json: { revision: 2 } });
    expect((await desk.store.contents.call(id))?.body.toString()).toBe(
      '{"amount":null,"currency":"usd","charge":"ch_1"}',
    );
    await desk.post(`/api/holds/${id}/reject`, { ifMatch: '"2"', body: { code: 'other' } });
    desk.now += 3_600_000;
  }
});

test.each([
  ['names nothing that is there', [{ op: 'remove', path: '/nothing' }], /Operation \/0 of the patch/],
  ['fails a test', [{ op: 'test', path: '/amount', value: 1 }], /the value is another one/],
  ['changes what may not change', [{ op: 'replace', path: '/charge', value: 'ch_2' }], /may not be changed/],
  ['has an unknown operation', [{ op: 'set', path: '/amount', value: 1 }], /is none of add, remove/],
])('a JSON Patch that %s is refused and changes nothing', async (_what, patch, detail) => {
  const id = await desk.hold();
  const answer = await desk.post(`/api/holds/${id}/approve`, { body: { patch } });
  expect(answer.status).toBe(422);
  expect(answer.text).toMatch(detail);
  expect(await desk.store.holds.find(id)).toMatchObject({ revision: 1, status: 'pending' });
});
