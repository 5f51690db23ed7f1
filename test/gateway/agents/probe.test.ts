import { afterAll, beforeAll, expect, test } from 'vitest';
import { parseConfig } from '../../../gateway/config/config.ts';
import { startDataPlane, TOKEN, type DataPlane } from '../../helpers/data-plane.ts';
import { send } from '../../helpers/gateway.ts';
import { startUpstream, type Upstream } from '../../helpers/upstream.ts';

let upstream: Upstream;
let plane: DataPlane;
let unready: string | null = null;

beforeAll(async () => {
  upstream = await startUpstream();
  plane = await startDataPlane({
    systems: {
      search: {
        upstream: upstream.url,
        hosts: ['search.example'],
        listen: '127.0.0.1:0',
        agent_credential: { header: 'private-token' },
      },
    },
    rego: { 'p.rego': 'package rules.all\n\nallow contains {"rule": "all"}\n' },
    notReady: () => unready,
  });
});

afterAll(async () => {
  await plane?.close();
  await upstream?.close();
});

const own = () => `http://${plane.address('search')}`;
const look = (host: string, method = 'GET', url = plane.url) => send(url, { method, path: '/', headers: { host } });

test.each([
  ['by address', '127.0.0.1', () => plane.url],
  ['by the name of a load balancer', 'lb.example', () => plane.url],
  ['by the host name of a system', 'search.example', () => plane.url],
  ['at the address of a system', 'search.example', own],
])('a probe of / is answered without a token, a trace or a log line: %s', async (_how, host, url) => {
  const before = [upstream.received.length, plane.logged.length, (await plane.events()).length];
  const { date: _date, ...headers } = (await look(host, 'GET', url())).headers;
  const answer = await look(host, 'GET', url());
  expect([answer.status, answer.text]).toEqual([200, '{"status":"ok"}']);
  expect(headers).toEqual({
    'cache-control': 'no-store',
    connection: 'close',
    'content-length': '15',
    'content-type': 'application/json',
  });
  expect([upstream.received.length, plane.logged.length, (await plane.events()).length]).toEqual(before);
});

test('a probe learns that the gateway cannot serve calls, and not why', async () => {
  unready = 'no policy is loaded yet';
  const answer = await look('lb.example');
  unready = null;
  expect([answer.status, answer.text]).toEqual([503, '{"status":"unready"}']);
});

test('a probe may be a HEAD', async () => {
  const answer = await look('lb.example', 'HEAD');
  expect([answer.status, answer.text]).toEqual([200, '']);
});

test.each([
  ['another method', { method: 'POST', path: '/' }, 401],
  ['a query', { path: '/?a=1' }, 401],
  ['another path', { path: '/search' }, 401],
  ['a wrong token', { path: '/', headers: { authorization: 'Bearer wrong' } }, 401],
  ['a wrong token in a header of a system', { path: '/', headers: { 'private-token': 'wrong' } }, 401],
  ['a token, and no system', { path: '/', headers: { authorization: `Bearer ${TOKEN}` } }, 404],
])('a request is not a probe with %s', async (_what, sent, status) => {
  expect((await send(plane.url, sent)).status).toBe(status);
});

test('a call for / with a token goes to its system', async () => {
  const headers = { host: 'search.example', 'private-token': TOKEN };
  expect((await send(plane.url, { path: '/', headers })).text).toBe('{"ok":true}');
});

test('a probe stays one when the configuration binds and frees host names and headers', async () => {
  const { config } = plane;
  const systems = { mail: { upstream: upstream.url, hosts: ['lb.example'], agent_credential: { header: 'x-mail' } } };
  const next = parseConfig(JSON.stringify({ systems }), 'holdpoint.yaml', {});
  plane.server.configure({ systems: next.systems, agents: config.agents, reviewers: config.reviewers });
  try {
    for (const host of ['search.example', 'lb.example']) expect((await look(host)).status).toBe(200);
    const sent = { path: '/', headers: { host: 'lb.example', 'x-mail': 'wrong' } };
    expect((await send(plane.url, sent)).status).toBe(401);
    expect((await send(plane.url, { path: '/', headers: { 'private-token': 'a' } })).status).toBe(200);
  } finally {
    plane.server.configure(config);
  }
});
