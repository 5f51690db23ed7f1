import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseConfig } from '../../../gateway/config/config.ts';
import { approve, startDataPlane, TOKEN, type DataPlane } from '../../helpers/data-plane.ts';
import { send, type Answer } from '../../helpers/gateway.ts';
import { startUpstream, type Upstream } from '../../helpers/upstream.ts';

const APP = 'https://app.example.com';
const OTHER = 'https://other.example.com';

const REGO = `package rules.all

allow contains {"rule": "all"} if not input.action.segments[0] in {"blocked", "held"}

hold contains {"rule": "held", "reviewers": ["finance"]} if input.action.segments[0] == "held"
`;

let upstream: Upstream;
let plane: DataPlane;

beforeAll(async () => {
  upstream = await startUpstream((_received, response) => {
    const own = ['access-control-allow-origin', 'https://system.example', 'Access-Control-Expose-Headers', 'x-a'];
    response.writeHead(200, [...own, 'vary', 'Accept', 'x-b', '1', 'content-length', '2']).end('{}');
  });
  const url = upstream.url;
  const wait = '20s';
  plane = await startDataPlane({
    systems: {
      pay: { upstream: url, wait, cors: { origins: [APP] }, hosts: ['pay.example'], listen: '127.0.0.1:0' },
      open: { upstream: url, cors: { origins: ['*'] } },
      closed: { upstream: url, listen: '127.0.0.1:0' },
    },
    rego: { 'p.rego': REGO },
  });
});

afterAll(async () => {
  await plane?.close();
  await upstream?.close();
});

const authorization = `Bearer ${TOKEN}`;
const preflight = (path: string, origin = APP, headers: Record<string, string> = {}, url = plane.url) =>
  send(url, {
    method: 'OPTIONS',
    path,
    headers: {
      origin,
      'access-control-request-method': 'PATCH',
      'access-control-request-headers': 'authorization,content-type,x-stainless-os',
      ...headers,
    },
  });
const from = (path: string, origin = APP, headers: Record<string, string> = {}, method = 'GET') =>
  send(plane.url, { method, path, headers: { origin, authorization, ...headers } });

/** At the address of the system `pay`. */
const own = (path: string, headers: Record<string, string> = {}, origin = APP) =>
  send(`http://${plane.address('pay')}`, { path, headers: { origin, authorization, ...headers } });

/** What a browser looks at. */
function shared({ status, headers }: Answer) {
  return [status, headers['access-control-allow-origin'], headers['access-control-expose-headers']];
}

describe('preflights', () => {
  test('the gateway answers the preflight of a listed page itself, without a token, a record or a log line', async () => {
    const before = [upstream.received.length, plane.logged.length, (await plane.events()).length];
    const answer = await preflight('/pay/items');
    expect(shared(answer)).toEqual([204, APP, undefined]);
    expect(answer.headers).toMatchObject({
      'access-control-allow-methods': 'PATCH',
      'access-control-allow-headers': 'authorization,content-type,x-stainless-os',
      'access-control-max-age': '600',
      vary: 'Origin, Access-Control-Request-Method, Access-Control-Request-Headers',
    });
    expect([upstream.received.length, plane.logged.length, (await plane.events()).length]).toEqual(before);
  });

  test.each([
    ['of a system at its host name', () => preflight('/items', APP, { host: 'pay.example' })],
    ['of a system at its own address', () => preflight('/items', APP, {}, `http://${plane.address('pay')}`)],
    ["of the gateway's own endpoints", () => preflight('/-/holds/hold_1', APP, {}, `http://${plane.address('pay')}`)],
  ])('the preflight %s is answered', async (_what, ask) => {
    expect(shared(await ask())).toEqual([204, APP, undefined]);
  });

  test('a system for all pages says so', async () => {
    expect(shared(await preflight('/open/items', OTHER))).toEqual([204, '*', undefined]);
    expect(shared(await preflight('/-/holds/hold_1', OTHER))).toEqual([204, '*', undefined]);
  });

  test.each([
    ['of a page that is not listed', () => preflight('/pay/items', OTHER)],
    ['of a page whose origin only begins alike', () => preflight('/pay/items', `${APP}.evil.example`)],
    ['for a system without the setting', () => preflight('/closed/items')],
    ['for a system that is not there', () => preflight('/nowhere/items')],
    ["at another system's address", () => preflight('/-/holds/hold_1', APP, {}, `http://${plane.address('closed')}`)],
    ['with a method that is none', () => preflight('/pay/items', APP, { 'access-control-request-method': 'a b' })],
    ['that asks for no method', () => send(plane.url, { method: 'OPTIONS', path: '/pay/x', headers: { origin: APP } })],
  ])('an OPTIONS is refused like any call without a token: %s', async (_what, ask) => {
    const answer = await ask();
    expect([401, 404]).toContain(answer.status);
    expect(answer.headers).not.toHaveProperty('access-control-allow-methods');
  });

  test('header names that are none are not allowed', async () => {
    const answer = await preflight('/pay/items', APP, { 'access-control-request-headers': 'a, b: c' });
    expect(answer.status).toBe(204);
    expect(answer.headers).not.toHaveProperty('access-control-allow-headers');
  });

  test('an OPTIONS with a token that is no preflight goes to the system', async () => {
    const before = upstream.received.length;
    expect((await from('/pay/items', APP, {}, 'OPTIONS')).status).toBe(200);
    expect(upstream.received.length).toBe(before + 1);
  });
});

describe('answers', () => {
  test("a listed page reads the system's answer with all its headers, and what the system says of pages is left out", async () => {
    const answer = await from('/pay/items');
    expect(shared(answer)).toEqual([200, APP, '*']);
    expect(answer.headers).toMatchObject({ 'x-b': '1', vary: 'Accept, Origin', 'holdpoint-verdict': 'allow' });
  });

  test.each([
    ['401, without a token', () => from('/pay/items', APP, { authorization: '' }), 401],
    ['403, blocked', () => from('/pay/blocked'), 403],
    ['503, held', () => from('/pay/held', APP, { prefer: 'wait=0' }), 503],
    ['202, held', () => from('/pay/held/async', APP, { prefer: 'respond-async' }), 202],
    ['400, malformed', () => from('/pay/a%0db'), 400],
    ['404, of the own endpoints', () => own('/-/holds/hold_1'), 404],
    ['404, no own endpoint', () => own('/-/nothing'), 404],
    ['401, of the own endpoints', () => own('/-/holds/hold_1', { authorization: '' }), 401],
    ['200, of the own endpoints', () => own('/-/livez'), 200],
  ])('a listed page reads %s', async (_what, ask, status) => {
    expect(shared(await ask())).toEqual([status, APP, '*']);
  });

  test('a listed page follows its held call to the stored answer', async () => {
    const accepted = await own('/held/stored', { prefer: 'respond-async' });
    const { location } = accepted.headers;
    expect(shared(await own(location!))).toEqual([200, APP, '*']);
    await approve(plane.store, accepted.json<{ hold_id: string }>().hold_id);
    const answer = await own('/held/stored');
    expect([...shared(answer), answer.text]).toEqual([200, APP, '*', '{}']);
    const stored = await own(`${location}/response`);
    expect([...shared(stored), stored.text]).toEqual([200, APP, '*', '{}']);
    expect(stored.headers.vary).toBe('Accept, Origin');
  });

  test('another page reads nothing, also if the system would let it', async () => {
    const answer = await from('/pay/items', OTHER);
    expect(shared(answer)).toEqual([200, undefined, undefined]);
    expect(answer.headers.vary).toBe('Accept, Origin');
    expect(shared(await own('/-/holds/hold_1', {}, OTHER))).toEqual([404, undefined, undefined]);
  });

  test.each([
    ['for a system without the setting', () => from('/closed/items')],
    ['to a program, which sends no Origin', () => send(plane.url, { path: '/pay/items', headers: { authorization } })],
  ])('an answer is as the system gave it %s', async (_what, ask) => {
    const answer = await ask();
    expect(shared(answer)).toEqual([200, 'https://system.example', 'x-a']);
    expect(answer.headers.vary).toBe('Accept');
  });

  test('the origins follow the configuration in force', async () => {
    const { config } = plane;
    const origins = (list: string[] | null) => {
      const pay = { upstream: upstream.url, ...(list && { cors: { origins: list } }) };
      const { systems } = parseConfig(JSON.stringify({ systems: { pay } }), 'holdpoint.yaml', {});
      plane.server.configure({ systems, agents: config.agents, reviewers: config.reviewers });
    };
    try {
      origins([OTHER]);
      expect(shared(await from('/pay/items', OTHER))).toEqual([200, OTHER, '*']);
      expect(shared(await from('/pay/items'))).toEqual([200, undefined, undefined]);
      origins(null);
      expect((await preflight('/pay/items', OTHER)).status).toBe(401);
    } finally {
      plane.server.configure(config);
    }
  });
});

function originsOf(origin: string) {
  const pay = { upstream: 'https://api.example.com', cors: { origins: [origin] } };
  return parseConfig(JSON.stringify({ systems: { pay } }), 'holdpoint.yaml', {}).systems[0]?.cors?.origins;
}

test.each([
  'https://app.example.com',
  'http://localhost:3000',
  '*',
  'chrome-extension://abcdefghijklmnop',
  'capacitor://localhost',
])('the configuration takes %j as an origin', (origin) => {
  expect(originsOf(origin)).toEqual([origin]);
});

test.each([
  'https://app.example.com/',
  'https://App.example.com',
  'https://app.example.com:443',
  'https://*.example.com',
  'app.example.com',
  'null',
  '',
])('the configuration refuses %j as an origin, and says what it expects', (origin) => {
  expect(() => originsOf(origin)).toThrow(/cors\.origins\.0: expected an origin as browsers send it/);
});
