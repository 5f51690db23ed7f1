import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { approve, startDataPlane, TOKEN, type DataPlane } from '../../helpers/data-plane.ts';
import { send } from '../../helpers/gateway.ts';
import { startUpstream, type Upstream } from '../../helpers/upstream.ts';

const REGO = `package rules.all

allow contains {"rule": "all"} if input.action.segments[0] != "held"

hold contains {"rule": "held", "reviewers": ["finance"]} if input.action.segments[0] == "held"
`;

/** As SAP OData does: a token that is good only with the session in which it was given. */
const SESSION = `session-${randomUUID()}`;
const CSRF = `csrf-${randomUUID()}`;

let upstream: Upstream;
let plane: DataPlane;

beforeAll(async () => {
  upstream = await startUpstream(({ headers, method }, response) => {
    if (method === 'POST') {
      const isKnown = headers.cookie === `sid=${SESSION}` && headers['x-csrf-token'] === CSRF;
      response.writeHead(isKnown ? 201 : 403).end(headers.cookie);
      return;
    }
    const cookies = [`sid=${SESSION}; Path=/; Domain=erp.example.com; Secure; HttpOnly`, 'lb=x; Path=/elsewhere'];
    response.writeHead(200, { 'set-cookie': cookies, 'x-csrf-token': CSRF }).end('{}');
  });
  const erp = { upstream: `${upstream.url}/odata`, cookies: 'pass', headers: ['x-csrf-token'], wait: '20s' };
  plane = await startDataPlane({
    systems: { erp, other: { ...erp, upstream: upstream.url }, usual: { upstream: upstream.url } },
    rego: { 'p.rego': REGO },
  });
});

afterAll(async () => {
  await plane?.close();
  await upstream?.close();
});

const authorization = `Bearer ${TOKEN}`;

/** An ordinary client with a jar, Python's own. */
const CLIENT = `
import sys, json, http.cookiejar, urllib.request, urllib.error
url, token = sys.argv[1:]
opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))
def call(path, headers={}, body=None):
    try:
        return opener.open(urllib.request.Request(url + path, body, {"authorization": "Bearer " + token, **headers}))
    except urllib.error.HTTPError as error:
        return error
csrf = call("/erp/items").headers["x-csrf-token"]
out = [call("/erp/items", {"x-csrf-token": csrf}, b"{}").status, call("/other/items", {}, b"{}").read().decode()]
print(json.dumps(out))
`;

test('a client with a jar uses a CSRF token with its session, and no other system gets the cookie', async () => {
  const { stdout } = await promisify(execFile)('python3', ['-c', CLIENT, plane.url, TOKEN]);
  expect(JSON.parse(stdout)).toEqual([201, '']);
  expect(upstream.received.at(-1)?.headers).not.toHaveProperty('cookie');
});

test('a system without the setting neither gets cookies nor sets them', async () => {
  const answer = await send(plane.url, { path: '/usual/items', headers: { authorization, cookie: 'sid=1' } });
  expect(answer.headers).not.toHaveProperty('set-cookie');
  expect(upstream.received.at(-1)?.headers).not.toHaveProperty('cookie');
});

test("a system does not get the cookies of Holdpoint's own pages, which browsers send to every port", async () => {
  const cookie = 'a=1; holdpoint_session=secret; __Host-holdpoint=secret; b=2';
  await send(plane.url, { path: '/erp/items', headers: { authorization, cookie } });
  expect(upstream.received.at(-1)?.headers.cookie).toBe('a=1; b=2');
  await send(plane.url, { path: '/erp/items', headers: { authorization, cookie: 'holdpoint_session=secret' } });
  expect(upstream.received.at(-1)?.headers).not.toHaveProperty('cookie');
});

test('a held call is released with its cookies, and another session is another call', async () => {
  const headers = { authorization, cookie: `sid=${SESSION}`, 'x-csrf-token': CSRF, prefer: 'wait=0' };
  const sent = { method: 'POST', path: '/erp/held', body: '{}' };
  const first = (await send(plane.url, { ...sent, headers })).json<{ hold_id: string }>();
  const again = (await send(plane.url, { ...sent, headers })).json<{ hold_id: string }>();
  const other = (await send(plane.url, { ...sent, headers: { ...headers, cookie: 'sid=other' } })).json();
  expect(again.hold_id).toBe(first.hold_id);
  expect(other).not.toMatchObject({ hold_id: first.hold_id });
  await approve(plane.store, first.hold_id);
  const { prefer: _, ...waiting } = headers;
  expect((await send(plane.url, { ...sent, headers: waiting })).status).toBe(201);
});

test('no record has a cookie', async () => {
  const steps = await plane.store.outbox.read(0, 10_000);
  const records = JSON.stringify([await plane.events(), plane.logged, steps]);
  expect(records).toContain('/held');
  expect(records).not.toContain(SESSION);
  expect(records).not.toContain(CSRF);
});
