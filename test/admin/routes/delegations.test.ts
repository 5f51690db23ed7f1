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

test('somebody lets another decide in their place for a while, and ends it', async () => {
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

test('begins at once unless it says otherwise, in any offset', async () => {
  const until = '2100-01-01T01:00:00+01:00';
  expect((await delegate('dan@example.com', { since: until, until: '2100-01-02T00:00:00Z' })).json).toMatchObject({
    since: '2100-01-01T00:00:00.000Z',
  });
  expect((await delegate('dan@example.com')).json).toMatchObject({ since: iso(0) });
});

test('an operator ends any', async () => {
  const { delegation_id } = (await delegate('dan@example.com')).json as { delegation_id: string };
  expect((await desk.delete(`/api/delegations/${delegation_id}`, { who: 'olga' })).status).toBe(200);
});

test.each([
  ['nobody', 'nobody@example.com', {}, '/to'],
  ['somebody who is no reviewer', 'eve@example.com', {}, '/to'],
  ['oneself', 'ben@example.com', {}, '/to'],
  ['no time', 'dan@example.com', { since: '2100-01-01T00:00:00Z', until: '2100-01-01T00:00:00Z' }, '/until'],
  ['time past', 'dan@example.com', { since: '2000-01-01T00:00:00Z', until: '2001-01-01T00:00:00Z' }, '/until'],
  ['ever', 'dan@example.com', { until: '2999-01-01T00:00:00Z' }, '/until'],
  ['a day without an hour', 'dan@example.com', { until: '2100-01-01' }, '/until'],
])('to %s is 422 with the field', async (_name, to, more, pointer) => {
  expect(await delegate(to, more)).toMatchObject({ status: 422, json: { errors: [{ in: 'body', pointer }] } });
  expect(await list()).toEqual([]);
});

test('who is no reviewer has nothing to pass on', async () => {
  const body = { to: 'dan@example.com', until: iso(1_000) };
  expect((await desk.post('/api/delegations', { who: 'eve', body })).status).toBe(403);
});
