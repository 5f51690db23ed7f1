import { afterEach, beforeEach, expect, test } from 'vitest';
import { openDesk, type Desk } from '../desk.ts';

let desk: Desk;
let people: 1 | 2;
beforeEach(async () => {
  people = 1;
  desk = await openDesk({ peopleToLift: () => people });
});
afterEach(async () => {
  await desk.close();
});

const who = 'olga';
const NOTHING = { stop: null, lifted_by: 1 };
const stopped = (by = 'olga@example.com') => ({
  by,
  at: new Date(desk.now).toISOString(),
  reason: 'all went mad',
  lift_asked_by: null,
});

test('an operator stops everything and lifts that, and every reviewer can see it', async () => {
  expect((await desk.get('/api/stop')).json).toEqual(NOTHING);
  const answer = await desk.post('/api/stop', { who, body: { reason: 'all went mad' } });
  expect(answer).toMatchObject({ status: 200, json: { stop: stopped(), lifted_by: 1 } });
  expect((await desk.get('/api/stop')).json).toEqual({ stop: stopped(), lifted_by: 1 });
  expect(await desk.delete('/api/stop', { who })).toMatchObject({ status: 200, json: NOTHING });
  expect((await desk.get('/api/stop')).json).toEqual(NOTHING);
});

test('holds stay while everything is stopped; approving one says why not, and changes nothing', async () => {
  const id = await desk.hold();
  await desk.post('/api/stop', { who });
  const refused = await desk.post(`/api/holds/${id}/approve`);
  expect(refused).toMatchObject({
    status: 403,
    json: { detail: expect.stringContaining('nothing is approved or sent until an operator lifts that') },
  });
  expect((await desk.get(`/api/holds/${id}`)).json).toMatchObject({ status: 'pending', revision: 1 });
  await desk.delete('/api/stop', { who });
  expect(await desk.post(`/api/holds/${id}/approve`)).toMatchObject({ status: 200 });
});

test('where two people have to lift a stop, the first one asks', async () => {
  people = 2;
  await desk.post('/api/stop', { who, body: { reason: 'all went mad' } });
  const asked = { stop: { ...stopped(), lift_asked_by: 'olga@example.com' }, lifted_by: 2 };
  expect((await desk.delete('/api/stop', { who })).json).toEqual(asked);
  expect((await desk.delete('/api/stop', { who })).json).toEqual(asked);
  people = 1;
  expect((await desk.delete('/api/stop', { who })).json).toEqual(NOTHING);
});

test('only an operator stops everything, or lifts that', async () => {
  expect(await desk.post('/api/stop')).toMatchObject({ status: 403 });
  expect((await desk.get('/api/stop')).json).toEqual(NOTHING);
  await desk.post('/api/stop', { who });
  expect(await desk.delete('/api/stop')).toMatchObject({ status: 403 });
  expect((await desk.get('/api/stop')).json).toMatchObject({ stop: { by: 'olga@example.com' } });
});

test('a reason with another member than the reason is refused', async () => {
  expect(await desk.post('/api/stop', { who, body: { why: 'x' } })).toMatchObject({ status: 422 });
  expect((await desk.get('/api/stop')).json).toEqual(NOTHING);
});
