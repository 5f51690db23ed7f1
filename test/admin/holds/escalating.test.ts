import { afterEach, beforeEach, expect, test } from 'vitest';
import { openDesk, type Desk } from '../desk.ts';

let desk: Desk;
beforeEach(async () => {
  desk = await openDesk();
});
afterEach(async () => {
  await desk.close();
});

test('an escalation to a group of the rule’s chain adds it to those asked; another group must approve too', async () => {
  const id = await desk.hold();
  const body = { to: ['finance-leads', 'legal'], note: 'over my head' };
  const answer = await desk.post(`/api/holds/${id}/escalate`, { body });
  expect(answer.json).toMatchObject({
    routing: {
      groups: ['finance', 'finance-leads', 'legal'],
      demands: [
        { groups: ['finance', 'finance-leads'], quorum: 1, approvals: 0 },
        { groups: ['legal'], quorum: 1, approvals: 0 },
      ],
      escalations: [
        { to: ['finance-leads'], by: 'ben@example.com', note: 'over my head' },
        { to: ['legal'], by: 'ben@example.com', note: 'over my head' },
      ],
    },
    consequence: expect.stringContaining('1 of finance or finance-leads and 1 of legal'),
  });
  expect((await desk.post(`/api/holds/${id}/approve`, { who: 'fay' })).json).toMatchObject({ status: 'pending' });
  expect((await desk.post(`/api/holds/${id}/approve`, { who: 'dan' })).json).toMatchObject({ status: 'approved' });
});

test('an escalation to one group needs no list', async () => {
  const id = await desk.hold();
  expect((await desk.post(`/api/holds/${id}/escalate`, { body: { to: 'legal' } })).status).toBe(200);
});

test.each([
  ['an unknown group', 'nobody', '/to'],
  ['a list with an unknown group', ['legal', 'nobody'], '/to/1'],
  ['a group without a name', '', '/to'],
])('an escalation to %s is 422 and names the field', async (_name, to, pointer) => {
  const id = await desk.hold();
  expect(await desk.post(`/api/holds/${id}/escalate`, { body: { to } })).toMatchObject({
    status: 422,
    json: { errors: [{ in: 'body', pointer }] },
  });
  expect((await desk.store.holds.find(id))?.version).toBe(1);
});

test('an escalation to a group that can already decide is 409', async () => {
  const id = await desk.hold();
  expect(await desk.post(`/api/holds/${id}/escalate`, { body: { to: 'finance' } })).toMatchObject({ status: 409 });
});

test('a reviewer who may not decide may not escalate', async () => {
  const id = await desk.hold();
  expect(await desk.post(`/api/holds/${id}/escalate`, { who: 'dan', body: { to: 'legal' } })).toMatchObject({
    status: 403,
  });
});
