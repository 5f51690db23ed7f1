import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  allowed,
  blocked,
  createPlace,
  eventually,
  held,
  type Place,
  type RunningGateway,
} from '../helpers/gateway.ts';
import { startUpstream, type Upstream } from '../helpers/upstream.ts';
import { startLoad } from './load.ts';

let upstream: Upstream;
let place: Place;
let gateway: RunningGateway;

beforeAll(async () => {
  upstream = await startUpstream();
  place = await createPlace(upstream.url);
  gateway = await place.start();
});

afterAll(async () => {
  await place.remove();
  await upstream.close();
});

test('workers decide and hold without control; once control is back, people decide and events arrive', async () => {
  const load = startLoad(gateway.url, (n) => (n % 3 === 0 ? blocked(`b-${n}`) : allowed(`a-${n}`)));
  await load.more(20);
  const before = await gateway.pids();
  process.kill(before.control!, 'SIGKILL');

  // Held while control, and so the admin API, was down.
  const waiting = gateway.call(held('waits'));
  const away = await gateway.call({ ...held('comes-back'), headers: { prefer: 'wait=0' } });
  expect(away.json()).toMatchObject({ status: 503, code: 'approval-pending' });
  await load.more(50);

  await eventually('control is back', async () => (await gateway.admin({ path: '/-/readyz' })).status === 200);
  await load.more(50);
  const outcomes = await load.stop();
  const expected = ({ sent }: (typeof outcomes)[number]) => (sent.method === 'DELETE' ? 403 : 200);
  expect(outcomes.filter((outcome) => outcome.answer?.status !== expected(outcome))).toEqual([]);

  const pending = await gateway.pending();
  expect(pending).toHaveLength(2);
  for (const { hold_id } of pending) expect((await gateway.approve(hold_id)).status).toBe(200);
  expect((await waiting).status).toBe(200);
  expect((await gateway.call(held('comes-back'))).status).toBe(200);
  expect(upstream.received.filter(({ method }) => method === 'PUT')).toHaveLength(2);

  await gateway.caughtUp();
  await gateway.stop();
  const [row] = await place.query<{ decided: number; twice: number; executed: number }>(`
    SELECT toUInt32(countIf(type = 'call.decided')) AS decided, toUInt32(countIf(type = 'hold.executed')) AS executed,
      toUInt32(count() - uniqExact(event_id)) AS twice FROM holdpoint.events`);
  expect(row).toEqual({ decided: outcomes.length + 3, executed: 2, twice: 0 });
});
