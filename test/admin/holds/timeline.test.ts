import { afterEach, expect, test } from 'vitest';
import type { AdminDeps } from '../../../admin/deps.ts';
import { emptyReviewRecord } from '../../helpers/call-log.ts';
import { openDesk, REFUND, requirement, type Desk } from '../desk.ts';

let desk: Desk;
afterEach(async () => {
  await desk.close();
});

const MINUTE = 60_000;

/** The record of these tests: what the store has for it. */
const record: AdminDeps['reviews'] = {
  ...emptyReviewRecord,
  steps: async ({ hold }) => {
    const waiting = await desk.store.outbox.read(0, 1_000);
    return waiting.map(({ event }) => event).filter(({ hold_id }) => hold_id === hold);
  },
};
/** A record that is away. */
const away: AdminDeps['reviews'] = {
  ...record,
  steps: () => Promise.reject(new Error('ECONNREFUSED')),
};

type Item = { at: string; type: string; by: string | null; text: string; channel: string | null };

async function timelineOf(id: string): Promise<{ items: Item[]; unavailable: string | null }> {
  return (await desk.get(`/api/holds/${id}/timeline`)).json;
}

/** A refund that is opened, noted, claimed, edited, escalated, approved and sent, a minute apart. */
async function lived(): Promise<string> {
  const id = await desk.hold(REFUND, { requirements: [requirement(['finance'])] });
  const later = () => (desk.now += MINUTE);
  later();
  await desk.post(`/api/holds/${id}/presence`, { who: 'ben' });
  await desk.get(`/api/holds/${id}`, 'ben');
  later();
  await desk.post(`/api/holds/${id}/note`, { body: { text: 'Looks odd' } });
  later();
  await desk.post(`/api/holds/${id}/claim`, { channel: 'console' });
  later();
  await desk.post(`/api/holds/${id}/approve`, { body: { edit: { amount: 100 }, note: 'less' }, channel: 'console' });
  later();
  await desk.post(`/api/holds/${id}/escalate`, { ifMatch: '"2"', body: { to: 'legal', note: 'please' } });
  later();
  await desk.post(`/api/holds/${id}/approve`, { who: 'dan', ifMatch: '"2"', body: { note: 'fine' } });
  later();
  const attempt = { attempt: 'att_1', by: 'gw', key: 'key', policyRevision: 'p3' };
  await desk.store.holds.apply(id, { type: 'release', ...attempt });
  later();
  const response = { status: 201, headers: [], body: Buffer.from(''), complete: true };
  await desk.store.holds.apply(id, { type: 'executed', attempt: 'att_1', response } as never);
  return id;
}

test('a timeline tells every step of a hold in order: who, how and in which words', async () => {
  desk = await openDesk({ reviews: record });
  const begun = desk.now;
  const id = await lived();
  const { items, unavailable } = await timelineOf(id);
  expect(unavailable).toBeNull();
  expect(items.map(({ type, by, text, channel }) => [type, by, text, channel])).toEqual([
    ['policy', null, 'Judged by policy p1.', null],
    ['opened', 'billing-bot', 'more than 100 USD', 'agent'],
    ['seen', 'ben@example.com', 'Opened it.', null],
    ['noted', 'ben@example.com', 'Looks odd', 'api'],
    ['claimed', 'ben@example.com', 'Claimed.', 'console'],
    ['policy', null, 'Judged again, by policy p2 instead of p1.', null],
    ['edited', 'ben@example.com', 'Changed /amount. “less”', 'console'],
    ['voted', 'ben@example.com', 'Approved.', 'console'],
    ['escalated', 'ben@example.com', 'Asked legal: please.', 'api'],
    ['voted', 'dan@example.com', 'Approved. “fine”', 'api'],
    ['approved', 'dan@example.com', 'Enough people approved. “fine”', 'api'],
    ['policy', null, 'Judged again, by policy p3 instead of p2.', null],
    ['released', null, 'The gateway began to send the call.', null],
    ['executed', null, 'The system answered with status 201.', null],
  ]);
  expect(items.map(({ at }) => at)).toEqual(items.map(({ at }) => at).toSorted());
  expect(items[1]?.at).toBe(new Date(begun).toISOString());
});

test('without the record, a timeline has the steps that the hold itself tells, and says why', async () => {
  desk = await openDesk({ reviews: away });
  const id = await lived();
  const { items, unavailable } = await timelineOf(id);
  expect(unavailable).toBe('The record cannot be read now.');
  expect(items.map(({ type, by, text }) => [type, by, text])).toEqual([
    ['opened', 'billing-bot', 'more than 100 USD'],
    ['seen', 'ben@example.com', 'Opened it.'],
    ['noted', 'ben@example.com', 'Looks odd'],
    ['edited', 'ben@example.com', 'Changed the call. “less”'],
    ['voted', 'ben@example.com', 'Approved. “less”'],
    ['escalated', 'ben@example.com', 'Asked legal. “please”'],
    ['voted', 'dan@example.com', 'Approved. “fine”'],
    ['approved', 'dan@example.com', 'Enough people approved. “fine”'],
    ['released', null, 'The gateway began to send the call.'],
  ]);
});

test('a timeline tells which messages went where', async () => {
  desk = await openDesk({
    compose: (trigger) =>
      trigger.kind === 'opened'
        ? [
            { kind: 'opened', holdId: trigger.hold.id, channel: 'slack/finance', to: null, payload: '{}' },
            { kind: 'opened', holdId: trigger.hold.id, channel: 'email', to: 'cleo@example.com', payload: '{}' },
          ]
        : [],
  });
  const id = await desk.hold();
  const taken = await desk.store.notifications.take(desk.now, desk.now + MINUTE, 10);
  const slack = taken.find(({ channel }) => channel === 'slack/finance');
  await desk.store.notifications.settle(slack!.id, { state: 'sent', receipt: null });
  const { items } = await timelineOf(id);
  const told = items.filter(({ type }) => type === 'told');
  expect(told.toSorted((a, b) => (a.text < b.text ? -1 : 1))).toMatchObject([
    { by: null, channel: 'email', text: 'Message (opened) to cleo@example.com: not sent yet.' },
    { by: null, channel: 'slack/finance', text: 'Message (opened): sent.' },
  ]);
});

test('a timeline tells the time at which a voter first saw the hold, and how a rejection or a grant ended it', async () => {
  desk = await openDesk();
  const rejected = await desk.hold();
  await desk.post(`/api/holds/${rejected}/reject`, { body: { code: 'wrong-amount', note: 'half of it' } });
  expect((await timelineOf(rejected)).items.at(-1)).toMatchObject({
    type: 'rejected',
    by: 'ben@example.com',
    text: 'Rejected (wrong-amount). “half of it”',
  });
  const seen = await desk.hold('{"amount":7}');
  await desk.get(`/api/holds/${seen}`, 'cleo');
  const at = new Date(desk.now).toISOString();
  desk.now += MINUTE;
  await desk.post(`/api/holds/${seen}/approve`, {
    who: 'cleo',
    body: { grant: { uses: 2, for: '1h', open: ['/amount'] } },
  });
  expect((await timelineOf(seen)).items[1]).toEqual({
    at,
    type: 'seen',
    by: 'cleo@example.com',
    text: 'Opened it.',
    channel: null,
  });
  const covered = await desk.hold('{"amount":6}');
  expect((await timelineOf(covered)).items.at(-1)).toMatchObject({
    type: 'approved',
    text: expect.stringMatching(/^Covered by the grant grant_/),
  });
  expect((await desk.get('/api/holds/hold_00000000000000000000000000000000/timeline')).status).toBe(404);
});
