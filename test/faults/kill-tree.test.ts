import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { allowed, createPlace, eventually, held, type Place, type RunningGateway } from '../helpers/gateway.ts';
import { startUpstream, type Upstream } from '../helpers/upstream.ts';
import { startLoad } from './load.ts';

const ROUNDS = 3;

type Round = { readonly pending: string[]; readonly releasing: string };

let upstream: Upstream;
let place: Place;
let gateway: RunningGateway;
const rounds: Round[] = [];

/** Sends a call that waits at a hold. Resolves with the hold's id. */
function openHold(gateway: RunningGateway, name: string): Promise<string> {
  void gateway.call(held(name)).catch(() => {});
  return gateway.holdOf(name);
}

beforeAll(async () => {
  upstream = await startUpstream((received, response) => {
    // A merge is never answered, so the releasing process waits for the answer until it dies.
    if (received.method !== 'PUT') response.writeHead(201).end('{}');
  });
  place = await createPlace(upstream.url);
  for (let round = 0; round < ROUNDS; round++) {
    gateway = await place.start();
    const load = startLoad(gateway.url, (n) => allowed(`load-${round}-${n}`));
    const pending = [await openHold(gateway, `pending-${round}-a`), await openHold(gateway, `pending-${round}-b`)];
    const releasing = await openHold(gateway, `releasing-${round}`);
    expect((await gateway.approve(releasing)).status).toBe(200);
    await eventually('the approved call is on its way', () =>
      upstream.received.some(({ url }) => url.includes(`/releasing-${round}/`)),
    );
    await load.more(20);
    await pause(Math.random() * 300);
    await gateway.killTree();
    await load.stop();
    rounds.push({ pending, releasing });
  }
  gateway = await place.start();
});

afterAll(async () => {
  await place.remove();
  await upstream.close();
});

test('a gateway killed with kill -9 starts again on its data', async () => {
  expect((await gateway.call(allowed('after'))).status).toBe(201);
});

test('undecided holds are still there after kill -9, and an identical retry finds them', async () => {
  for (const [round, { pending }] of rounds.entries()) {
    for (const [i, id] of pending.entries()) {
      expect((await gateway.admin({ path: `/api/holds/${id}` })).json()).toMatchObject({ status: 'pending' });
      const retry = await gateway.call({
        ...held(`pending-${round}-${'ab'[i]}`),
        headers: { prefer: 'wait=0' },
      });
      expect(retry.status).toBe(503);
      expect(retry.json()).toMatchObject({ code: 'approval-pending', hold_id: id });
    }
  }
});

test('a call that was being released at kill -9 has an unknown outcome, and is never sent again', async () => {
  for (const [round, { releasing }] of rounds.entries()) {
    expect((await gateway.admin({ path: `/api/holds/${releasing}` })).json()).toMatchObject({
      status: 'approved',
      execution: 'indeterminate',
    });
    const retry = await gateway.call({ ...held(`releasing-${round}`), headers: { prefer: 'wait=0' } });
    expect(upstream.received.filter(({ url }) => url.includes(`/releasing-${round}/`))).toHaveLength(1);
    expect(retry.status).not.toBeLessThan(400);
  }
});

test('every call that reached the system before kill -9 has its decision recorded, and no event is recorded twice', async () => {
  await gateway.caughtUp();
  expect(await gateway.stop()).toMatchObject({ code: 0 });
  const events = await place.query<{ event_id: string; type: string; path: string; hold_id: string }>(
    'SELECT event_id, type, path, hold_id FROM holdpoint.events',
  );
  expect(new Set(events.map(({ event_id }) => event_id)).size).toBe(events.length);
  const decided = new Set(events.filter(({ type }) => type === 'call.decided').map(({ path }) => path));
  expect(upstream.received.length).toBeGreaterThan(ROUNDS * 20);
  expect(upstream.received.filter(({ url }) => !decided.has(url)).map(({ url }) => url)).toEqual([]);
  const ofHolds = (type: string) => events.filter((event) => event.type === type).map(({ hold_id }) => hold_id);
  expect(ofHolds('hold.indeterminate').toSorted()).toEqual(rounds.map(({ releasing }) => releasing).toSorted());
  expect(ofHolds('hold.opened')).toEqual(expect.arrayContaining(rounds.flatMap(({ pending }) => pending)));
});
