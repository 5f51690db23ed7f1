import { afterAll, beforeAll, expect, test } from 'vitest';
import { startDataPlane, TOKEN, type DataPlane } from '../helpers/data-plane.ts';
import { startUpstream, type Upstream } from '../helpers/upstream.ts';
import { connectRaw } from './raw-agent.ts';

const UPGRADE = [
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==',
];

let upstream: Upstream;
let plane: DataPlane;

beforeAll(async () => {
  upstream = await startUpstream();
  plane = await startDataPlane({
    systems: { payments: { upstream: upstream.url } },
    rego: { 'payments.rego': 'package rules.payments\n\nallow contains {"rule": "all"}' },
  });
});

afterAll(async () => {
  await plane?.close();
  await upstream?.close();
});

function get(...lines: readonly string[]): string {
  return ['GET /payments/items HTTP/1.1', 'Host: a', ...lines, '', ''].join('\r\n');
}

test.each([
  ['an unauthenticated caller', [], [401, undefined]],
  // The handshake becomes an ordinary call, and its upgrade goes no further.
  ['an agent', [`Authorization: Bearer ${TOKEN}`], [200, 200]],
])('a handshake pipelined after a running call by %s does no harm', async (_who, credential, statuses) => {
  const agent = await connectRaw(plane.url.slice('http://'.length));
  agent.send(get(...credential) + get(...credential, ...UPGRADE));
  const first = await agent.answer();
  const second = await agent.answer();
  agent.close();
  expect([first?.status, second?.status]).toEqual(statuses);
  const answer = await fetch(`${plane.url}/payments/items`, { headers: { authorization: `Bearer ${TOKEN}` } });
  expect(answer.status).toBe(200);
});
