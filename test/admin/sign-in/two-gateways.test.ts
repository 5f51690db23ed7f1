import { afterEach, beforeEach, expect, test } from 'vitest';
import { openHoldStore, type OwnedStore } from '../../../gateway/holds/store/store.ts';
import { createSignInLinks } from '../../../gateway/identify/sign-in-links.ts';
import { postgresPlace, type Place } from '../../gateway/holds/store/engines.ts';
import { KEY } from '../../helpers/hold.ts';
import { openDesk, type Desk } from '../desk.ts';
import { openBrowser } from './browser.ts';

let place: Place;
let stores: OwnedStore[];
let desks: Desk[];
beforeEach(async () => {
  place = await postgresPlace();
  const open = (node: string) =>
    openHoldStore({ ...place.at, key: KEY, node, reviewers: [], compose: () => [], pollInterval: 50 });
  stores = [await open('gateway-1'), await open('gateway-2')];
  desks = await Promise.all(stores.map(({ sessions }) => openDesk({ sessions })));
});
afterEach(async () => {
  await Promise.all(desks.map((desk) => desk.close()));
  await Promise.all(stores.map((store) => store.close()));
  await place.remove();
});

test('a link that is used at two gateways on one PostgreSQL at once signs in at one of them', async () => {
  for (let round = 0; round < 10; round++) {
    const link = createSignInLinks(KEY, Date.now).issue('ben@example.com');
    const answers = await Promise.all(desks.map((desk) => openBrowser(desk).signIn({ link })));
    expect(answers.map(({ status }) => status).toSorted()).toEqual([201, 401]);
  }
});

test('a session counts at every gateway on one PostgreSQL, and ends at all', async () => {
  const [one, two] = desks.map((desk) => openBrowser(desk));
  await one!.signIn({ token: 'ben-token' });
  two!.cookie = one!.cookie;
  expect(await two!.send('GET', '/api/session')).toMatchObject({ status: 200 });
  expect(await two!.send('DELETE', '/api/session')).toMatchObject({ status: 204 });
  expect(await one!.send('GET', '/api/session')).toMatchObject({ status: 401 });
});
