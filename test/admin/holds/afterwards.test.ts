import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openDesk, type Desk } from '../desk.ts';

let desk: Desk;
beforeEach(async () => {
  desk = await openDesk();
});
afterEach(async () => {
  await desk.close();
});

describe('taking over', () => {
  test('a person takes a call over, and later records its outcome', async () => {
    const id = await desk.hold();
    expect((await desk.post(`/api/holds/${id}/take-over`, { body: { note: 'by phone' } })).json).toMatchObject({
      status: 'taken-over',
      decided: { by: 'ben@example.com', note: 'by phone' },
      outcome: null,
      you_may: { outcome: true, approve: false },
    });
    const body = { result: 'executed', reference: 're_7', note: 'paid half' };
    expect(await desk.post(`/api/holds/${id}/outcome`, { who: 'cleo', body })).toMatchObject({
      status: 403,
      json: { detail: expect.stringContaining('ben@example.com took this over') },
    });
    const at = new Date(desk.now).toISOString();
    expect((await desk.post(`/api/holds/${id}/outcome`, { body })).json).toMatchObject({
      status: 'taken-over',
      outcome: { ...body, by: 'ben@example.com', at },
    });
    expect(await desk.post(`/api/holds/${id}/outcome`, { body })).toMatchObject({
      status: 409,
      json: { detail: expect.stringContaining('ben@example.com reported executed') },
    });
  });

  test('a reviewer who may not decide may not take over', async () => {
    expect((await desk.post(`/api/holds/${await desk.hold()}/take-over`, { who: 'dan' })).status).toBe(403);
  });

  test('a hold that was not taken over takes no outcome', async () => {
    const body = { result: 'executed' };
    expect((await desk.post(`/api/holds/${await desk.hold()}/outcome`, { body })).status).toBe(409);
  });
});

describe('a call of unknown outcome', () => {
  async function lost(): Promise<string> {
    const id = await desk.hold();
    await desk.post(`/api/holds/${id}/approve`);
    const release = { type: 'release', attempt: 'att_1', by: 'worker-0', key: 'key-1', policyRevision: 'p1' } as const;
    await desk.store.holds.apply(id, release);
    const reason = 'the connection broke';
    await desk.store.holds.apply(id, { type: 'indeterminate', attempt: 'att_1', reason, resendAt: null });
    return id;
  }

  test('a call of unknown outcome is confirmed by a person who gives evidence', async () => {
    const id = await lost();
    expect((await desk.get(`/api/holds/${id}`)).json).toMatchObject({
      execution: 'indeterminate',
      attempt: { number: 1, by: 'worker-0', idempotency_key: 'key-1' },
      you_may: { outcome: true },
      consequence: expect.stringContaining('Find out'),
    });
    expect(await desk.post(`/api/holds/${id}/outcome`, { body: { result: 'not-executed' } })).toMatchObject({
      status: 422,
      json: { code: 'invalid', detail: expect.stringContaining('Give evidence') },
    });
    const body = { result: 'not-executed', note: 'no such refund there' };
    expect((await desk.post(`/api/holds/${id}/outcome`, { who: 'ana', body })).json).toMatchObject({
      execution: 'confirmed-not',
      outcome: { by: 'ana@example.com', note: 'no such refund there' },
    });
  });

  test('a call of unknown outcome is confirmed only by its owner, an operator or an asked group', async () => {
    const body = { result: 'executed', note: 'surely' };
    expect((await desk.post(`/api/holds/${await lost()}/outcome`, { who: 'dan', body })).status).toBe(403);
  });
});

describe('cancelling', () => {
  test.each([
    ['the owner of the agent', 'ana'],
    ['an operator', 'olga'],
  ])('%s cancels a hold with a reason', async (_name, who) => {
    const id = await desk.hold();
    expect((await desk.get(`/api/holds/${id}`, who)).json).toMatchObject({ you_may: { cancel: true } });
    expect((await desk.post(`/api/holds/${id}/cancel`, { who, body: { reason: 'not needed' } })).json).toMatchObject({
      status: 'cancelled',
      decided: { by: `${who}@example.com`, note: 'not needed' },
    });
  });

  test('another reviewer may not cancel a hold', async () => {
    const id = await desk.hold();
    expect((await desk.get(`/api/holds/${id}`)).json).toMatchObject({ you_may: { cancel: false } });
    expect(await desk.post(`/api/holds/${id}/cancel`)).toMatchObject({
      status: 403,
      json: { detail: expect.stringContaining('ana@example.com') },
    });
  });
});

test('a note between reviewers changes no revision', async () => {
  const id = await desk.hold();
  const at = new Date(desk.now).toISOString();
  await desk.post(`/api/holds/${id}/note`, { who: 'dan', body: { text: 'they called twice' } });
  const { json } = await desk.get(`/api/holds/${id}`);
  expect(json).toMatchObject({ revision: 1, notes: [{ by: 'dan@example.com', at, text: 'they called twice' }] });
  expect((await desk.post(`/api/holds/${id}/note`, { who: 'eve', body: { text: 'x' } })).status).toBe(403);
});
