import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseConfig } from '../../gateway/config/config.ts';
import { approve, startDataPlane, TOKEN, type DataPlane } from '../helpers/data-plane.ts';
import { send } from '../helpers/gateway.ts';
import { pythonWith } from '../helpers/python.ts';
import { startUpstream, type Received, type Upstream } from '../helpers/upstream.ts';

const REGO = `package rules.all

allow contains {"rule": "read"} if input.action.method == "GET"

block contains {"rule": "salaries", "reason": "Salaries are not for agents."} if contains(input.action.query.q, "salaries")

hold contains {"rule": "held", "reviewers": ["finance"]} if contains(input.action.query.q, "contracts")
`;

let upstream: Upstream;
let plane: DataPlane;
let python: string;

/** The call as Google reads it. */
function readByGoogle({ method, url, headers, body }: Received) {
  const isGet = method === 'POST' && headers['x-http-method-override'] === 'GET';
  return isGet ? { method: 'GET', url: `${url}?${body.toString()}` } : { method, url };
}

beforeAll(async () => {
  upstream = await startUpstream((received, response) => {
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(readByGoogle(received)));
  });
  const drive = { upstream: `${upstream.url}/drive/v3`, refusals: 'google', wait: '20s' };
  [plane, python] = await Promise.all([
    startDataPlane({
      systems: { drive: { ...drive, method_override: 'GET' }, usual: drive },
      rego: { 'p.rego': REGO },
    }),
    pythonWith(['google-api-python-client==2.202.0']),
  ]);
}, 900_000);

afterAll(async () => {
  await plane?.close();
  await upstream?.close();
});

const long = (about: string) => `name contains '${about}' and ${'x'.repeat(3000)}`;

async function list(about: string) {
  const program = `
import sys, json, urllib.parse, httplib2
from googleapiclient.http import HttpRequest
from googleapiclient.errors import HttpError
url, token, q = sys.argv[1:]
uri = url + "/drive/files?" + urllib.parse.urlencode({"q": q, "alt": "json"})
request = HttpRequest(httplib2.Http(), lambda _, content: json.loads(content), uri, headers={"authorization": "Bearer " + token})
try:
    print(json.dumps(request.execute()))
except HttpError as error:
    print(json.dumps({"status": error.status_code, "reason": error.reason}))
`;
  const { stdout } = await promisify(execFile)(python, ['-c', program, plane.url, TOKEN, long(about)]);
  return JSON.parse(stdout) as Record<string, unknown>;
}

const query = (about: string) => new URLSearchParams({ q: long(about), alt: 'json' }).toString();

describe("Google's client with a query of over 2,048 characters", () => {
  test('the call is judged and recorded as the GET that it is, and sent as the client sent it', async () => {
    expect(await list('plans')).toEqual({ method: 'GET', url: `/drive/v3/files?${query('plans')}` });
    const sent = upstream.received.at(-1)!;
    expect([sent.method, sent.url, sent.body.toString()]).toEqual(['POST', '/drive/v3/files', query('plans')]);
    expect(sent.headers).toMatchObject({
      'x-http-method-override': 'GET',
      'content-type': 'application/x-www-form-urlencoded',
    });
    const event = (await plane.events()).findLast(({ type }) => type === 'call.decided')!;
    expect(event).toMatchObject({ method: 'GET', operation: 'GET /files', rules: ['rules.all/read'] });
    const { action } = JSON.parse(event.input!) as { action: Record<string, object> };
    expect(action).toMatchObject({ method: 'GET', query: { q: long('plans'), alt: 'json' }, body_bytes: 0 });
    expect(action['headers']).not.toHaveProperty('content-type');
  });

  test('a rule on the query holds for it', async () => {
    const before = upstream.received.length;
    expect(await list('salaries')).toEqual({ status: 403, reason: 'Salaries are not for agents.' });
    expect(upstream.received.length).toBe(before);
  });
});

const FORM = 'application/x-www-form-urlencoded';
const authorization = `Bearer ${TOKEN}`;
const post = (path: string, body: string, headers: Record<string, string> = {}) =>
  send(plane.url, {
    method: 'POST',
    path,
    body,
    headers: { authorization, 'content-type': FORM, 'x-http-method-override': 'GET', ...headers },
  });

test('a held call is the same call either way, and is released as one', async () => {
  const held = await post('/drive/files', query('contracts'), { prefer: 'wait=0' });
  expect(held.status).toBe(503);
  const path = `/drive/files?${query('contracts')}`;
  const again = await send(plane.url, { path, headers: { authorization, prefer: 'wait=0' } });
  const { hold_id } = held.json<{ hold_id: string }>();
  expect(again.json()).toMatchObject({ hold_id });
  await approve(plane.store, hold_id);
  const answer = await post('/drive/files', query('contracts'));
  expect(answer.json()).toEqual({ method: 'GET', url: `/drive/v3/files?${query('contracts')}` });
});

test('a short query goes as a GET', async () => {
  expect((await post('/drive/files', 'q=a')).json()).toEqual({ method: 'GET', url: '/drive/v3/files?q=a' });
  expect(upstream.received.at(-1)!.method).toBe('GET');
  expect((await post('/drive/files', '')).json()).toEqual({ method: 'GET', url: '/drive/v3/files' });
});

test.each([
  ['another method', () => post('/drive/files', 'q=a', { 'x-http-method-override': 'DELETE' })],
  ['the method in lower case', () => post('/drive/files', 'q=a', { 'x-http-method-override': 'get' })],
  ['several methods', () => post('/drive/files', 'q=a', { 'x-http-method-override': 'GET, DELETE' })],
  ['another spelling', () => post('/drive/files', 'q=a', { x_http_method_override: 'GET' })],
  ['another header for it', () => post('/drive/files', 'q=a', { 'x-method-override': 'GET' })],
  ['a query besides', () => post('/drive/files?alt=json', 'q=a')],
  ['another body', () => post('/drive/files', '{"q":"a"}', { 'content-type': 'application/json' })],
  ['a body without a type', () => post('/drive/files', 'q=a', { 'content-type': '' })],
  ['a coding', () => post('/drive/files', 'q=a', { 'content-encoding': 'identity' })],
  ['characters that no query has', () => post('/drive/files', 'q=a b#c')],
  ['a field for another method', () => post('/drive/files', '_method=DELETE')],
  ['a system without the setting', () => post('/usual/files', 'q=a')],
])('an override is refused, and nothing is sent, with %s', async (_what, attempt) => {
  const before = upstream.received.length;
  expect((await attempt()).status).toBe(400);
  expect(upstream.received.length).toBe(before);
});

test('a PUT cannot be a GET', async () => {
  const headers = { authorization, 'x-http-method-override': 'GET' };
  expect((await send(plane.url, { method: 'PUT', path: '/drive/files', headers })).status).toBe(400);
});

test('the setting is refused for a system with credentials in the query, which the form could have too', () => {
  const pay = { upstream: 'https://api.example.com', method_override: 'GET', agent_credential: { query: 'key' } };
  const text = JSON.stringify({ systems: { pay } });
  expect(() => parseConfig(text, 'holdpoint.yaml', {})).toThrow(/method_override: expected only without credentials/);
});
