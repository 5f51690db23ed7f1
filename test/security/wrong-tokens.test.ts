import { afterAll, beforeAll, expect, test } from 'vitest';
import { openDesk } from '../admin/desk.ts';
import { startQueryEndpoint } from '../audit/analysts/start-query-endpoint.ts';
import { startDataPlane, TOKEN, type DataPlane } from '../helpers/data-plane.ts';
import { startUpstream, type Upstream } from '../helpers/upstream.ts';

let upstream: Upstream;
let plane: DataPlane;
let now = Date.now();
beforeAll(async () => {
  upstream = await startUpstream();
  plane = await startDataPlane({
    systems: {
      payments: { upstream: upstream.url },
      maps: { upstream: upstream.url, agent_credential: { query: 'key' } },
      chat: { upstream: upstream.url, agent_credential: { path: '/bot{token}' } },
    },
    rego: { 'all.rego': 'package rules.all\n\nallow contains {"rule": "all"} if true\n' },
    clock: () => now,
  });
});
afterAll(async () => {
  await plane?.close();
  await upstream?.close();
});

async function statuses(times: number, ask: () => Promise<Response>): Promise<Response[]> {
  const answers: Response[] = [];
  for (let n = 0; n < times; n++) answers.push(await ask());
  return answers;
}

test('an address with many wrong tokens gets 429 from the agents listener, and a right token from it goes on', async () => {
  const call = (token: string | null, path = '/payments/v1/charges') =>
    fetch(`${plane.url}${path}`, { ...(token !== null && { headers: { authorization: `Bearer ${token}` } }) });
  const probes = await statuses(40, () => call(null));
  expect(new Set(probes.map(({ status }) => status))).toEqual(new Set([401]));
  const wrong = await statuses(40, () => call('wrong'));
  expect(wrong.map(({ status }) => status)).toEqual([
    ...Array.from({ length: 30 }, () => 401),
    ...Array.from({ length: 10 }, () => 429),
  ]);
  const last = wrong.at(-1)!;
  expect(Number(last.headers.get('retry-after'))).toBeGreaterThan(0);
  expect(await last.json()).toMatchObject({ code: 'too-many-wrong-tokens', status: 429 });
  expect((await call('wrong', '/-/holds?to=me')).status).toBe(429);
  expect((await call(TOKEN)).status).toBe(200);
  expect((await call(TOKEN, '/-/holds?to=me')).status).toBe(200);
  const { values } = await plane.registry.getSingleMetric('holdpoint_limited_total')!.get();
  expect(values).toEqual([{ labels: { code: 'too-many-wrong-tokens' }, value: 11 }]);
});

test.each([
  ['the query', (token: string) => `/maps/route?key=${token}`],
  ['the path', (token: string) => `/chat/bot${token}/getUpdates`],
])('so does an address whose wrong tokens are in %s', async (_where, target) => {
  now += 60_000;
  const call = (token: string) => fetch(`${plane.url}${target(token)}`);
  const wrong = await statuses(31, () => call('wrong'));
  expect(wrong.slice(-2).map(({ status }) => status)).toEqual([401, 429]);
  expect((await call(TOKEN)).status).toBe(200);
});

test('an address with many wrong tokens gets 429 from the admin listener, and a right token from it goes on', async () => {
  const desk = await openDesk();
  try {
    for (let n = 0; n < 30; n++) expect((await desk.get('/api/holds', 'nobody')).status).toBe(401);
    const limited = await desk.get('/api/holds', 'nobody');
    expect(limited).toMatchObject({ status: 429, json: { code: 'too-many-wrong-tokens' } });
    expect((await desk.get('/api/holds', null)).status).toBe(401);
    expect((await desk.get('/api/holds')).status).toBe(200);
  } finally {
    await desk.close();
  }
});

test('an address with many wrong passwords gets 429 from the query endpoint, and a right one from it goes on', async () => {
  await using endpoint = await startQueryEndpoint();
  const wrong = () => fetch(`${endpoint.url}/?user=ana@example.com&password=wrong&query=SELECT+1`);
  for (let n = 0; n < 30; n++) expect((await wrong()).status).toBe(403);
  const limited = await wrong();
  expect([limited.status, limited.headers.get('x-clickhouse-exception-code')]).toEqual([429, '516']);
  expect(Number(limited.headers.get('retry-after'))).toBeGreaterThan(0);
  expect(await (await endpoint.query('SELECT 1')).text()).toBe('1\n');
});
