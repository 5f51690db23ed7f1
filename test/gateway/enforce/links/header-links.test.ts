import { afterAll, beforeAll, expect, test } from 'vitest';
import { startDataPlane, TOKEN, type DataPlane } from '../../../helpers/data-plane.ts';
import { startUpstream, type Upstream } from '../../../helpers/upstream.ts';

const ALLOW = {
  'api.rego': 'package rules.all\n\nallow contains {"rule": "all"} if true\n',
};

/** The headers that the system answers with next. */
let answer: Record<string, string | string[]> = {};
let status = 200;
let system: Upstream;
let uploads: Upstream;
let plane: DataPlane;

beforeAll(async () => {
  system = await startUpstream((_received, response) => {
    response.writeHead(status, { 'content-type': 'application/json', ...answer }).end('{}');
  });
  uploads = await startUpstream();
  const api = { upstream: `${system.url}/base`, upstream_hosts: [uploads.url], hosts: ['api.agents.test'] };
  plane = await startDataPlane({
    systems: {
      api: { ...api, credential: { header: 'authorization', value: 'Bearer of-the-system' } },
      own: { upstream: system.url, listen: '127.0.0.1:0' },
    },
    rego: ALLOW,
  });
});

afterAll(async () => {
  await plane?.close();
  await system?.close();
  await uploads?.close();
});

async function headersOf(
  headers: typeof answer,
  options: { at?: string; sent?: Record<string, string>; answered?: number } = {},
): Promise<Headers> {
  answer = headers;
  status = options.answered ?? 200;
  const sent = { authorization: `Bearer ${TOKEN}`, ...options.sent };
  const response = await fetch(`${options.at ?? `${plane.url}/api`}/x`, { headers: sent, redirect: 'manual' });
  await response.arrayBuffer();
  return response.headers;
}

test('a Location with the URL of the system leads back through the gateway', async () => {
  const location = `${system.url}/base/things/7?a=%2F#part`;
  for (const [answered, name] of [
    [302, 'location'],
    [201, 'location'],
    [200, 'content-location'],
  ] as const) {
    const headers = await headersOf({ [name]: location }, { answered });
    expect(headers.get(name)).toBe(`${plane.url}/api/things/7?a=%2F#part`);
    expect(headers.get('holdpoint-warning')).toBeNull();
  }
});

test('every target of a Link is rewritten, whatever its parameters contain (RFC 8288)', async () => {
  const page = (n: number) => `<${system.url}/base/issues?page=${n}>`;
  const link = `${page(2)}; rel="next"; title="a, <${system.url}/base/x>; b", ${page(9)}; rel=last,<?page=1>; rel="prev", <https://example.com/docs>; rel=help`;
  const { url } = plane;
  expect((await headersOf({ link })).get('link')).toBe(
    `<${url}/api/issues?page=2>; rel="next"; title="a, <${system.url}/base/x>; b", <${url}/api/issues?page=9>; rel=last,<?page=1>; rel="prev", <https://example.com/docs>; rel=help`,
  );
});

test('the URL in a Refresh is rewritten, quoted or not', async () => {
  const refresh = async (value: string) => (await headersOf({ refresh: value })).get('refresh');
  expect(await refresh(`5; url=${system.url}/base/jobs/1`)).toBe(`5; url=${plane.url}/api/jobs/1`);
  expect(await refresh(`0;URL='${system.url}/base/jobs/1'`)).toBe(`0;URL='${plane.url}/api/jobs/1'`);
  expect(await refresh('30')).toBe('30');
});

test('a path from the root gets the prefix of the system, and a path relative to the call stays as it is', async () => {
  const location = async (value: string) => (await headersOf({ location: value }, { answered: 302 })).get('location');
  expect(await location('/base/things/7')).toBe('/api/things/7');
  expect(await location('things/7?x=1')).toBe('things/7?x=1');
  expect(await location('?page=2')).toBe('?page=2');
});

test('a further host of the system is led to, and called, through the gateway', async () => {
  const host = uploads.url.slice('http://'.length);
  const headers = await headersOf({ location: `${uploads.url}/upload/v1/abc?x=1` });
  expect(headers.get('location')).toBe(`${plane.url}/api/~${host}/upload/v1/abc?x=1`);
  const sent = { method: 'POST', body: 'data', headers: { authorization: `Bearer ${TOKEN}` } };
  expect((await fetch(headers.get('location')!, sent)).status).toBe(200);
  expect(uploads.received.at(-1)).toMatchObject({ url: '/upload/v1/abc?x=1', body: Buffer.from('data') });
  expect(uploads.received.at(-1)!.headers).toMatchObject({ host, authorization: 'Bearer of-the-system' });
  const decided = (await plane.events()).findLast(({ type }) => type === 'call.decided');
  expect(decided?.path).toBe(`/~${host}/upload/v1/abc`);
});

test('a further host is also found in a spelling that only a lenient server reads as its own', async () => {
  const host = uploads.url.slice('http://'.length);
  await fetch(`${plane.url}/api/%7E${host}/again`, { headers: { authorization: `Bearer ${TOKEN}` } });
  expect(uploads.received.at(-1)?.url).toBe('/again');
});

test('links name the address at which the agent reached the gateway', async () => {
  const own = `http://${plane.address('own')}`;
  const location = `${system.url}/base/x`;
  expect((await headersOf({ location }, { at: own })).get('location')).toBe(`${own}/base/x`);
});

test('an agent cannot choose where links lead by X-Forwarded-Proto and X-Forwarded-Host', async () => {
  const sent = { 'x-forwarded-proto': 'https', 'x-forwarded-host': 'elsewhere.example.com', forwarded: 'proto=https' };
  const headers = await headersOf({ location: `${system.url}/base/x` }, { sent });
  expect(headers.get('location')).toBe(`${plane.url}/api/x`);
});

test('a redirect to another host passes as it is, with a warning and an event', async () => {
  const headers = await headersOf({ location: 'https://elsewhere.example.com/x' }, { answered: 307 });
  expect(headers.get('location')).toBe('https://elsewhere.example.com/x');
  expect(headers.get('holdpoint-warning')).toBe('redirect-elsewhere');
  await expect
    .poll(async () => (await plane.events()).at(-1))
    .toMatchObject({ type: 'call.noted', code: 'redirect-elsewhere', system: 'api', status: 307 });
});

test('the system cannot forge the warning of the gateway', async () => {
  expect((await headersOf({ 'holdpoint-warning': 'forged' })).get('holdpoint-warning')).toBeNull();
});

test('a URL whose dot segments lead out of the system is not taken for one of the system', async () => {
  const location = `${system.url}/base/../own/x`;
  const headers = await headersOf({ location }, { answered: 302 });
  expect([headers.get('location'), headers.get('holdpoint-warning')]).toEqual([location, 'redirect-elsewhere']);
});
