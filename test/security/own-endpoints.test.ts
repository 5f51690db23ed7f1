import { afterAll, beforeAll, expect, test } from 'vitest';
import { startDataPlane, TOKEN, type DataPlane } from '../helpers/data-plane.ts';
import { startUpstream, type Upstream } from '../helpers/upstream.ts';
import { connectRaw } from './raw-agent.ts';

let upstream: Upstream;
let plane: DataPlane;

beforeAll(async () => {
  upstream = await startUpstream();
  plane = await startDataPlane({
    systems: { payments: { upstream: upstream.url, hosts: ['pay.example'], listen: '127.0.0.1:0' } },
    rego: { 'payments.rego': 'package rules.payments\n\nallow contains {"rule": "all"}' },
  });
});

afterAll(async () => {
  await plane?.close();
  await upstream?.close();
});

async function send(method: string, path: string, options: { lines?: string[]; body?: string; own?: boolean } = {}) {
  const { lines = [], body = '', own = false } = options;
  const agent = await connectRaw(own ? plane.address('payments') : plane.url.slice('http://'.length));
  const length = body === '' ? [] : [`Content-Length: ${body.length}`];
  const head = [
    `${method} ${path} HTTP/1.1`,
    'Host: pay.example',
    `Authorization: Bearer ${TOKEN}`,
    ...lines,
    ...length,
  ];
  agent.send(`${head.join('\r\n')}\r\n\r\n${body}`);
  const answer = await agent.answer();
  agent.close();
  return { status: answer?.status, code: (JSON.parse(answer?.body || '{}') as { code?: string }).code };
}

test.each([
  ['GET', '/-/items'],
  ['GET', '/-/'],
  ['POST', '/-/items'],
  ['DELETE', '/-/livez'],
  ['PUT', '/-/holds/hold_1'],
  ['PROPFIND', '/-/items'],
  ['GET', '/-/../items'],
  ['GET', '/-/%2e%2e/items'],
])('%s %s reaches no system, whatever the host or address', async (method, path) => {
  for (const own of [false, true]) {
    expect(await send(method, path, { own, body: method === 'POST' ? '{"amount":5}' : '' })).toMatchObject({
      status: 404,
    });
  }
  expect(upstream.received).toEqual([]);
});

test.each([
  ['a body that is no JSON', 'Content-Type: application/json', '{'],
  ['an empty body where JSON was announced', 'Content-Type: application/json', ''],
  ['a body of a type that nobody reads', 'Content-Type: application/x-whatever', 'abc'],
])("%s is the caller's error, not the gateway's", async (_what, line, body) => {
  const lines = [line, ...(body === '' ? ['Content-Length: 0'] : [])];
  expect(await send('DELETE', '/-/holds/hold_1', { lines, body })).toEqual({ status: 400, code: 'bad-request' });
  expect(plane.logged.filter(({ level }) => level === 50)).toEqual([]);
});
