import { afterAll, beforeAll, expect, test } from 'vitest';
import { allowed, createPlace, eventually, type Place, type RunningGateway } from '../helpers/gateway.ts';
import { startUpstream, type Upstream } from '../helpers/upstream.ts';
import { startLoad, type Outcome } from './load.ts';

let upstream: Upstream;
let place: Place;
let gateway: RunningGateway;
let outcomes: readonly Outcome[];

beforeAll(async () => {
  upstream = await startUpstream();
  place = await createPlace(upstream.url);
  gateway = await place.start();
  const load = startLoad(gateway.url, (n) => allowed(`call-${n}`));
  for (let kill = 0; kill < 3; kill++) {
    await load.more(200);
    // Events are being shipped, so the engine is killed during inserts and between them.
    await eventually(
      'events are on their way',
      async () => (await gateway.metric('holdpoint_journal_behind_bytes')) > 0,
    );
    const before = await gateway.pids();
    process.kill(before.clickhouse!, 'SIGKILL');
    await load.more(200);
    await eventually('ClickHouse is back', async () => {
      const { clickhouse } = await gateway.pids();
      return clickhouse !== null && clickhouse !== before.clickhouse;
    });
  }
  await load.more(100);
  outcomes = await load.stop();
  await gateway.caughtUp();
});

afterAll(async () => {
  await place.remove();
  await upstream.close();
});

test('calls are served while ClickHouse is killed', () => {
  expect(outcomes.filter(({ answer }) => answer?.status !== 200)).toEqual([]);
});

test('the log says that ClickHouse was restarted', () => {
  expect(gateway.log).toContainEqual(expect.objectContaining({ child: 'clickhouse', reason: 'ended (SIGKILL)' }));
});

test('recent calls can be read once ClickHouse is back', async () => {
  const answer = await gateway.admin({ path: '/api/calls?limit=5' });
  expect(answer.json<{ items: object[] }>().items).toHaveLength(5);
});

test('every event arrives once although ClickHouse was killed', async () => {
  expect(await gateway.stop()).toMatchObject({ code: 0 });
  const [counts] = await place.query<Record<string, number>>(`
    SELECT toUInt32(countIf(type = 'call.decided')) AS decided, toUInt32(countIf(type = 'call.completed')) AS completed,
      toUInt32(count()) AS events, toUInt32(uniqExact(event_id)) AS ids,
      toUInt32(uniqExactIf(path, type = 'call.decided')) AS paths
    FROM holdpoint.events`);
  const calls = upstream.received.length;
  expect(calls).toBe(outcomes.length);
  expect(counts).toMatchObject({ decided: calls, completed: calls, paths: calls });
  expect(counts!['events']).toBe(counts!['ids']);
});
