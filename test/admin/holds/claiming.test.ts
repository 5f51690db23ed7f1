import { afterEach, beforeEach, expect, test } from 'vitest';
import { openDesk, type Desk } from '../desk.ts';

const LEASE = 300_000;

let desk: Desk;
beforeEach(async () => {
  desk = await openDesk();
});
afterEach(async () => {
  await desk.close();
});

test('a claim is a lease of five minutes that others can see', async () => {
  const id = await desk.hold();
  const until = new Date(desk.now + LEASE).toISOString();
  const lease = { by: 'ben@example.com', until };
  const claimed = await desk.post(`/api/holds/${id}/claim`);
  expect(claimed).toMatchObject({ status: 200, json: { routing: { lease } } });
  expect(claimed.headers.get('etag')).toBe('"1"');
  expect((await desk.get('/api/holds', 'cleo')).json).toMatchObject({ items: [{ routing: { lease } }] });
  expect((await desk.get(`/api/holds/${id}`, 'cleo')).json).toMatchObject({
    you_may: {
      approve: false,
      reject: false,
      claim: false,
      note: true,
      why: expect.stringContaining('ben@example.com'),
    },
  });
});

test.each([
  ['approve', {}],
  ['reject', { code: 'other' }],
  ['take-over', {}],
  ['escalate', { to: 'legal' }],
  ['claim', {}],
])('while a claim lasts, no other reviewer may %s: 423 tells by whom and until when', async (action, body) => {
  const id = await desk.hold();
  await desk.post(`/api/holds/${id}/claim`);
  const until = new Date(desk.now + LEASE).toISOString();
  expect(await desk.post(`/api/holds/${id}/${action}`, { who: 'cleo', body })).toMatchObject({
    status: 423,
    json: {
      code: 'leased',
      hold_id: id,
      detail: expect.stringMatching(/ben@example\.com .* Wait, or ask/),
      lease: { by: 'ben@example.com', until },
    },
  });
});

test('the reviewer with the claim decides, and claiming again renews it', async () => {
  const id = await desk.hold();
  await desk.post(`/api/holds/${id}/claim`);
  desk.now += LEASE - 1;
  expect((await desk.post(`/api/holds/${id}/claim`)).json).toMatchObject({
    routing: { lease: { until: new Date(desk.now + LEASE).toISOString() } },
  });
  desk.now += LEASE - 1;
  expect((await desk.post(`/api/holds/${id}/approve`)).json).toMatchObject({
    status: 'approved',
    routing: { lease: null },
  });
});

test('a claim has no holder once its lease has lapsed', async () => {
  const id = await desk.hold();
  await desk.post(`/api/holds/${id}/claim`);
  desk.now += LEASE;
  expect((await desk.get(`/api/holds/${id}`)).json).toMatchObject({ routing: { lease: null } });
  expect((await desk.post(`/api/holds/${id}/claim`, { who: 'cleo' })).json).toMatchObject({
    routing: { lease: { by: 'cleo@example.com' } },
  });
});

test('only its holder releases a claim', async () => {
  const id = await desk.hold();
  expect((await desk.delete(`/api/holds/${id}/claim`)).status).toBe(409);
  await desk.post(`/api/holds/${id}/claim`);
  expect(await desk.delete(`/api/holds/${id}/claim`, { who: 'cleo' })).toMatchObject({
    status: 409,
    json: { code: 'conflict', detail: expect.stringContaining('ben@example.com') },
  });
  expect((await desk.delete(`/api/holds/${id}/claim`)).json).toMatchObject({ routing: { lease: null } });
  expect((await desk.post(`/api/holds/${id}/approve`, { who: 'cleo' })).status).toBe(200);
});

test('a reviewer who may not decide may not claim', async () => {
  const id = await desk.hold();
  for (const who of ['dan', 'eve', 'olga']) {
    expect(await desk.post(`/api/holds/${id}/claim`, { who })).toMatchObject({ status: 403 });
  }
});

test('a claim locks nobody out for longer because the clock was set back an hour', async () => {
  const id = await desk.hold();
  await desk.post(`/api/holds/${id}/claim`);
  desk.now -= 3_600_000;
  expect((await desk.get(`/api/holds/${id}`, 'cleo')).json).toMatchObject({ routing: { lease: null } });
  expect((await desk.post(`/api/holds/${id}/approve`, { who: 'cleo' })).status).toBe(200);
});
