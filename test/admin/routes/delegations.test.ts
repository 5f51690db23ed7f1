import { afterEach, beforeEach, expect, test } from 'vitest';
import { openDesk, type Desk } from '../desk.ts';

let desk: Desk;
beforeEach(async () => {
  desk = await openDesk();
});
afterEach(async () => {
  await desk.close();
});

const iso = (after: number) => new Date(desk.now + after).toISOString();
const list = async () => ((await desk.get('/api/delegations')).json as { items: object[] }).items;

async function delegate(to: string, more: object = {}) {
  return await desk.post('/api/delegations', { body: { to, until: iso(86_400_000), ...more } });
}

test('a reviewer delegates decisions to another for a period, and ends the delegation', async () => {
  const answer = await delegate('dan@example.com', { since: iso(1_000) });
  expect(answer).toMatchObject({
    status: 201,
    json: { from: 'ben@example.com', to: 'dan@example.com', since: iso(1_000), until: iso(86_400_000) },
  });
  expect(await list()).toEqual([answer.json]);
  const { delegation_id } = answer.json as { delegation_id: string };
  const path = `/api/delegations/${delegation_id}`;
  expect(await desk.delete(path, { who: 'dan' })).toMatchObject({ status: 403 });
  expect(await desk.delete(path)).toMatchObject({ status: 200, json: { delegation_id } });
  expect(await list()).toEqual([]);
  expect((await desk.delete(path)).status).toBe(404);
});

test('a delegation begins at once by default, and accepts times in any offset', async () => {
  const until = '2100-01-01T01:00:00+01:00';
  expect((await delegate('dan@example.com', { since: until, until: '2100-01-02T00:00:00Z' })).json).toMatchObject({
    since: '2100-01-01T00:00:00.000Z',
  });
  expect((await delegate('dan@example.com')).json).toMatchObject({ since: iso(0) });
});

test('an operator ends any delegation', async () => {
  const { delegation_id } = (await delegate('dan@example.com')).json as { delegation_id: string };
  expect((await desk.delete(`/api/delegations/${delegation_id}`, { who: 'olga' })).status).toBe(200);
});

test.each([
  ['an unknown person', 'nobody@example.com', {}, '/to'],
  ['a person without the role reviewer', 'eve@example.com', {}, '/to'],
  ['oneself', 'ben@example.com', {}, '/to'],
  [
    'a reviewer for an empty period',
    'dan@example.com',
    { since: '2100-01-01T00:00:00Z', until: '2100-01-01T00:00:00Z' },
    '/until',
  ],
  [
    'a reviewer for a past period',
    'dan@example.com',
    { since: '2000-01-01T00:00:00Z', until: '2001-01-01T00:00:00Z' },
    '/until',
  ],
  ['a reviewer for too long', 'dan@example.com', { until: '2999-01-01T00:00:00Z' }, '/until'],
  ['a reviewer until a date without a time', 'dan@example.com', { until: '2100-01-01' }, '/until'],
])('a delegation to %s is 422 and names the field', async (_name, to, more, pointer) => {
  expect(await delegate(to, more)).toMatchObject({ status: 422, json: { errors: [{ in: 'body', pointer }] } });
  expect(await list()).toEqual([]);
});

test('a person without the role reviewer may not delegate', async () => {
  const body = { to: 'dan@example.com', until: iso(1_000) };
  expect((await desk.post('/api/delegations', { who: 'eve', body })).status).toBe(403);
});
