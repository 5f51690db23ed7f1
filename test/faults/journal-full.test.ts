import { afterAll, beforeAll, expect, test } from 'vitest';
import { startEmbedded } from '../../audit/start-embedded.ts';
import { connectClickHouse } from '../../audit/clickhouse.ts';
import { allowed, createPlace, eventually, freePort, type Place, type RunningGateway } from '../helpers/gateway.ts';
import { tempFolder } from '../helpers/folder.ts';
import { startUpstream, type Upstream } from '../helpers/upstream.ts';

const clickhouse = tempFolder();
const password = 'password-of-the-test';

let upstream: Upstream;
let place: Place;
let gateway: RunningGateway;
let port: number;

beforeAll(async () => {
  upstream = await startUpstream();
  port = await freePort();
  place = await createPlace(upstream.url, {
    journal: { limit: '16KiB' },
    workers: 1,
    // Nobody listens there yet.
    clickhouse: { url: `http://127.0.0.1:${port}`, username: 'holdpoint', password },
  });
  gateway = await place.start();
});

afterAll(async () => {
  await place.remove();
  await upstream.close();
  clickhouse.remove();
});

test('a full journal refuses calls, which then do not happen, until ClickHouse has taken what was in it', async () => {
  // Without ClickHouse, the journal fills.
  let calls = 0;
  let refused;
  await eventually('the journal is full', async () => {
    refused = await gateway.call(allowed(`call-${calls++}`));
    return refused.status !== 200;
  });
  expect(refused!.json()).toMatchObject({ status: 503, code: 'journal-unavailable' });

  const reached = upstream.received.length;
  for (let i = 0; i < 20; i++) {
    expect((await gateway.call(allowed(`refused-${i}`))).json()).toMatchObject({ code: 'journal-unavailable' });
  }
  expect(upstream.received).toHaveLength(reached);
  expect((await gateway.call({ path: '/github/repos/acme/one' })).status).toBe(503);
  expect(upstream.received).toHaveLength(reached);

  const engine = await startEmbedded({ path: clickhouse.path, port, password });
  await eventually('calls are taken again', async () => (await gateway.call(allowed('again'))).status === 200);
  expect(upstream.received.map(({ url }) => url)).not.toContainEqual(expect.stringContaining('/refused-'));

  await gateway.caughtUp();
  expect(await gateway.stop()).toMatchObject({ code: 0 });
  const client = connectClickHouse(engine);
  const query = "SELECT path FROM holdpoint.events WHERE type = 'call.decided'";
  const decided = (await (await client.query({ query, format: 'JSONEachRow' })).json<{ path: string }>()).map(
    ({ path }) => path,
  );
  await client.close();
  engine.child.kill('SIGKILL');
  expect(upstream.received.filter(({ url }) => !decided.includes(url))).toEqual([]);
  // On record are those that were refused by the full journal only if they got that far: never twice, never forwarded.
  expect(new Set(decided).size).toBe(decided.length);
});
