import { afterEach, beforeEach, expect, test } from 'vitest';
import { openDesk, type Desk } from '../desk.ts';

let desk: Desk;
beforeEach(async () => {
  desk = await openDesk();
});
afterEach(async () => {
  await desk.close();
});

const PATH = '/api/me/preferences';
const DEFAULT = { quiet_hours: null, digest: null, mail: 'if-unanswered' };
const NIGHT = { from: '22:00', to: '07:00', time_zone: 'Europe/Berlin' };

test('a person reads and changes their own preferences, and nobody else’s', async () => {
  expect(await desk.get(PATH)).toMatchObject({ status: 200, json: DEFAULT });
  const wishes = { quiet_hours: NIGHT, digest: 'daily', mail: 'always' };
  expect(await desk.put(PATH, { body: wishes, channel: 'console' })).toMatchObject({ status: 200, json: wishes });
  expect((await desk.get(PATH)).json).toEqual(wishes);
  expect((await desk.get(PATH, 'cleo')).json).toEqual(DEFAULT);
  expect((await desk.get(PATH, null)).status).toBe(401);
  const [first] = await desk.store.outbox.read(0, 1);
  expect(first?.event).toMatchObject({ type: 'preferences.changed', actor: 'ben@example.com', channel: 'console' });

  expect(await desk.put(PATH, { body: DEFAULT })).toMatchObject({ status: 200, json: DEFAULT });
  expect((await desk.get(PATH)).json).toEqual(DEFAULT);
});

test.each([
  ['a time of day that does not exist', { ...DEFAULT, quiet_hours: { ...NIGHT, from: '24:00' } }],
  ['quiet hours without an end', { ...DEFAULT, quiet_hours: { ...NIGHT, to: '22:00' } }],
  ['a time zone that does not exist', { ...DEFAULT, quiet_hours: { ...NIGHT, time_zone: 'Europe/Atlantis' } }],
  ['an offset, which knows no summer time', { ...DEFAULT, quiet_hours: { ...NIGHT, time_zone: '+01:00' } }],
  ['another digest', { ...DEFAULT, digest: 'weekly' }],
  ['a part alone', { mail: 'never' }],
  ['an unknown member', { ...DEFAULT, sms: true }],
])('preferences with %s are refused, and nothing changes', async (_what, body) => {
  expect(await desk.put(PATH, { body })).toMatchObject({ status: 422 });
  expect((await desk.get(PATH)).json).toEqual(DEFAULT);
});

test('a time zone may have an older name', async () => {
  const wishes = { ...DEFAULT, quiet_hours: { ...NIGHT, time_zone: 'Asia/Calcutta' } };
  expect(await desk.put(PATH, { body: wishes })).toMatchObject({ status: 200, json: wishes });
});

test('a person who may decide a hold and reads it is known to have looked at it', async () => {
  await desk.close();
  const looked: string[] = [];
  desk = await openDesk({ looked: (id) => void looked.push(id) });
  const hold = await desk.hold();
  await desk.get(`/api/holds/${hold}`, 'eve');
  await desk.get(`/api/holds/${hold}`, 'olga');
  await desk.get('/api/holds');
  expect(looked).toEqual([]);
  await desk.get(`/api/holds/${hold}`);
  expect(looked).toEqual([hold]);
});
