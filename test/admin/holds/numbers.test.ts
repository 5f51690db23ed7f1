import { afterEach, expect, test } from 'vitest';
import type { AdminDeps } from '../../../admin/deps.ts';
import type { NumbersOf } from '../../../gateway/domain/review-record.ts';
import { emptyReviewRecord } from '../../helpers/call-log.ts';
import { openDesk, type Desk } from '../desk.ts';

let desk: Desk;
afterEach(async () => {
  await desk.close();
});

const asked: NumbersOf[] = [];

/** A record in which people rejected one hold of this kind, and approved 33 of 34. */
function record(rejected: () => string): AdminDeps['reviews'] {
  return {
    ...emptyReviewRecord,
    numbers: async (of) => {
      asked.push(of);
      const last = { hold: rejected(), at: 0, by: 'ben@example.com', took: 61_000, result: 'rejected' } as const;
      return {
        similar: { decided: 34, unchanged: 33, last: [last] },
        agent: { decided: 4, unchanged: 1 },
        rule: { hits: 50, decided: 0, approved: 0 },
      };
    },
    own: async (reviewer) =>
      reviewer === 'ben@example.com'
        ? { decisions: 4, unchanged: 3, underFiveSeconds: 2, median: 1_500 }
        : { decisions: 0, unchanged: 0, underFiveSeconds: 0, median: null },
  };
}

test('the numbers of a hold show how people decided on its operation, agent and rule', async () => {
  let rejected = '';
  desk = await openDesk({ reviews: record(() => rejected) });
  rejected = await desk.hold('{"amount":12345678901234567890,"currency":"usd"}');
  const id = await desk.hold();
  const { json } = await desk.get(`/api/holds/${id}/numbers`);
  expect(json).toEqual({
    similar: {
      decided: 34,
      unchanged: 33,
      note: '33 of 34 decisions on this operation within 30 days approved the call unchanged.',
      last: [
        {
          hold_id: rejected,
          at: '1970-01-01T00:00:00.000Z',
          by: 'ben@example.com',
          amount: { value: '12345678901234567890', currency: 'usd' },
          took_ms: 61_000,
          result: 'rejected',
        },
      ],
    },
    agent: { decisions: 4, unchanged_rate: 0.25 },
    rule: { rule: 'rules.payments/refund-over-limit', hits_30d: 50, approved_rate: null },
    unavailable: null,
  });
  expect(asked.at(-1)).toEqual({
    hold: id,
    agent: 'billing-bot',
    system: 'payments',
    operation: 'createRefund',
    rule: 'rules.payments/refund-over-limit',
  });
  // What is in calls is not for everyone.
  expect((await desk.get(`/api/holds/${id}/numbers`, 'eve')).json).toMatchObject({
    similar: { last: [{ amount: null }] },
  });
});

test('a question has only numbers of its agent', async () => {
  desk = await openDesk({ reviews: record(() => '') });
  const id = await desk.handoff('exception');
  expect((await desk.get(`/api/holds/${id}/numbers`)).json).toMatchObject({
    similar: null,
    agent: { decisions: 4 },
    rule: null,
    unavailable: null,
  });
});

test('numbers that do not come within 200 ms, or at all, are left out with a word', async () => {
  const never = new Promise<never>(() => {});
  for (const [numbers, why] of [
    [() => never, 'The record did not answer within 200 ms.'],
    [() => Promise.reject(new Error('ECONNREFUSED')), 'The record cannot be read now.'],
  ] as const) {
    desk = await openDesk({ reviews: { ...emptyReviewRecord, numbers } });
    const id = await desk.hold();
    expect(await desk.get(`/api/holds/${id}/numbers`)).toMatchObject({
      status: 200,
      json: { similar: null, agent: null, rule: null, unavailable: why },
    });
    if (why.startsWith('The record did')) await desk.close();
  }
});

test('own numbers are of the person who asks, and of no one else', async () => {
  desk = await openDesk({ reviews: record(() => '') });
  expect((await desk.get('/api/me/numbers')).json).toEqual({
    decisions: 4,
    median_seconds: 1.5,
    unchanged_rate: 0.75,
    under_five_seconds: 2,
  });
  expect((await desk.get('/api/me/numbers', 'cleo')).json).toEqual({
    decisions: 0,
    median_seconds: null,
    unchanged_rate: null,
    under_five_seconds: 0,
  });
});

test('own numbers are refused while the record is away', async () => {
  desk = await openDesk({ reviews: { ...emptyReviewRecord, own: () => Promise.reject(new Error('away')) } });
  expect(await desk.get('/api/me/numbers')).toMatchObject({ status: 503, json: { code: 'record-unavailable' } });
});
