import { afterAll, beforeAll, expect, test } from 'vitest';
import { approve, OTHER_TOKEN, startDataPlane, TOKEN, type DataPlane } from '../../../helpers/data-plane.ts';
import { startUpstream, type Upstream } from '../../../helpers/upstream.ts';

const RULES = {
  'all.rego': `package rules.all

hold contains {"rule": "ask", "reviewers": ["finance"]} if input.action.method == "POST"
`,
};
const DAY = 24 * 3_600_000;

let now = Date.now();
let system: Upstream;
let plane: DataPlane;

beforeAll(async () => {
  system = await startUpstream((_received, response) => void response.writeHead(200).end('done'));
  plane = await startDataPlane({
    systems: {
      maps: { upstream: system.url, agent_credential: { query: 'key' }, wait: '50ms' },
      chat: { upstream: system.url, agent_credential: { path: '/bot{token}' }, wait: '50ms' },
    },
    rego: RULES,
    clock: () => now,
  });
});

afterAll(async () => {
  await plane?.close();
  await system?.close();
});

const CALLS = {
  'a query parameter': (path: string) => `${plane.url}/maps/${path}?key=${TOKEN}&q=1`,
  'a path segment': (path: string) => `${plane.url}/chat/bot${TOKEN}/${path}`,
};

async function held(url: string, headers: Record<string, string> = { prefer: 'respond-async' }) {
  const answer = await fetch(url, { method: 'POST', headers });
  await answer.arrayBuffer();
  const location = new URL(answer.headers.get('location')!, plane.url);
  return { status: answer.status, location, id: location.pathname.split('/').at(-1)! };
}

async function read(url: URL | string, init: RequestInit = {}) {
  const answer = await fetch(url, init);
  return { status: answer.status, body: await answer.text() };
}

test.each(Object.entries(CALLS))(
  'an agent that sends its token in %s reads its hold and the response at Location, without the token',
  async (_where, to) => {
    const url = to('one');
    const { status, location, id } = await held(url);
    expect([status, location.searchParams.get('pass')]).toEqual([202, expect.stringMatching(/^hp_pass_/)]);
    expect(await read(location)).toMatchObject({ status: 200, body: expect.stringContaining('"status":"pending"') });
    const again = await held(url, {});
    expect([again.status, again.id]).toEqual([503, id]);
    expect((await read(again.location)).status).toBe(200);

    await approve(plane.store, id);
    expect(await read(url, { method: 'POST' })).toEqual({ status: 200, body: 'done' });
    expect(await read(`${plane.url}${location.pathname}/response${location.search}`)).toEqual({
      status: 200,
      body: 'done',
    });
    const written = JSON.stringify([plane.logged, await plane.events(), system.received]);
    expect(written).not.toContain(TOKEN);
    expect(written).not.toContain('hp_pass_');
  },
);

test('an agent that sends its token in a header gets a Location without a pass', async () => {
  const { location } = await held(`${plane.url}/maps/two`, {
    authorization: `Bearer ${TOKEN}`,
    prefer: 'respond-async',
  });
  expect(location.search).toBe('');
  expect((await read(location)).status).toBe(401);
});

test('an agent may send its token to the endpoints for holds in the query parameter of a system', async () => {
  const { id } = await held(CALLS['a query parameter']('three'));
  expect((await read(`${plane.url}/-/holds/${id}?key=${TOKEN}`)).status).toBe(200);
  expect((await read(`${plane.url}/-/holds/${id}?key=${OTHER_TOKEN}`)).status).toBe(404);
  expect((await read(`${plane.url}/-/holds/${id}?other=${TOKEN}`)).status).toBe(401);
  expect((await read(`${plane.url}/-/holds?to=me&key=${TOKEN}`)).status).toBe(200);
  const asked = await fetch(`${plane.url}/-/holds?key=${TOKEN}`, { method: 'POST', body: '{"summary":"help"}' });
  expect(asked.status).toBe(202);
  expect((await read(new URL(asked.headers.get('location')!, plane.url))).status).toBe(200);
  expect((await read(`${plane.url}/-/holds/${id}?key=${TOKEN}`, { method: 'DELETE' })).status).toBe(200);
});

test('the pass of a hold opens that hold alone, for reading, for seven days', async () => {
  const one = await held(CALLS['a path segment']('four'));
  const other = await held(CALLS['a path segment']('five'));
  expect((await read(`${plane.url}/-/holds/${other.id}${one.location.search}`)).status).toBe(401);
  expect((await read(`${plane.url}/-/holds?to=me&${one.location.search.slice(1)}`)).status).toBe(401);
  expect((await read(one.location, { method: 'DELETE' })).status).toBe(401);
  expect((await read(`${plane.url}/chat/four${one.location.search}`)).status).toBe(401);
  now += 7 * DAY - 1;
  expect((await read(one.location)).status).toBe(200);
  now += 1;
  expect(await read(one.location)).toMatchObject({ status: 401, body: expect.stringContaining('has expired') });
});
