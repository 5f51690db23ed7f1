import { afterAll, beforeAll, expect, test } from 'vitest';
import { parseConfig } from '../../../gateway/config/config.ts';
import { gatewaysIn } from '../../../gateway/domain/headers.ts';
import { approve, startDataPlane, TOKEN, type DataPlane } from '../../helpers/data-plane.ts';
import { send } from '../../helpers/gateway.ts';
import { startUpstream, type Upstream } from '../../helpers/upstream.ts';

const REGO = `package rules.all

allow contains {"rule": "all"} if input.action.segments[0] != "held"

hold contains {"rule": "held", "reviewers": ["finance"]} if input.action.segments[0] == "held"
`;

let upstream: Upstream;
let plane: DataPlane;

beforeAll(async () => {
  upstream = await startUpstream((_received, response) => {
    response.writeHead(200, { via: '1.0 cache', 'content-length': 2 }).end('ok');
  });
  plane = await startDataPlane({
    systems: { pay: { upstream: upstream.url, wait: '20s' } },
    rego: { 'p.rego': REGO },
  });
});

afterAll(async () => {
  await plane?.close();
  await upstream?.close();
});

const call = (path: string, headers: Record<string, string> = {}) =>
  send(plane.url, { path, headers: { authorization: `Bearer ${TOKEN}`, ...headers } });

test('the system and the agent learn from Via that a gateway is between them, after those that were there', async () => {
  expect((await call('/pay/x')).headers.via).toBe('1.0 cache, 1.1 holdpoint');
  expect(upstream.received.at(-1)?.headers.via).toBe('1.1 holdpoint');
  await call('/pay/x', { via: '1.1 squid (a, b)' });
  expect(upstream.received.at(-1)?.headers.via).toBe('1.1 squid (a, b), 1.1 holdpoint');
});

test('a stored answer has it too, and a refusal, which is the own answer of the gateway, has not', async () => {
  const refused = await call('/pay/held', { prefer: 'wait=0' });
  expect(refused.headers).not.toHaveProperty('via');
  const { hold_id } = refused.json<{ hold_id: string }>();
  await approve(plane.store, hold_id);
  expect((await call('/pay/held')).headers.via).toBe('1.0 cache, 1.1 holdpoint');
  expect((await call(`/-/holds/${hold_id}/response`)).headers.via).toBe('1.0 cache, 1.1 holdpoint');
});

test('a call that comes back to the gateway again and again is refused as a loop', async () => {
  const { config } = plane;
  const credential = { header: 'authorization', value: `Bearer ${TOKEN}` };
  const loop = { upstream: `${plane.url}/pay`, credential };
  const { systems } = parseConfig(JSON.stringify({ systems: { pay: loop } }), 'holdpoint.yaml', {});
  plane.server.configure({ systems, agents: config.agents, reviewers: config.reviewers });
  const before = (await plane.events()).length;
  const answer = await call('/pay/x');
  plane.server.configure(config);
  expect(answer.status).toBe(508);
  expect(answer.json()).toMatchObject({ code: 'loop-detected' });
  const events = (await plane.events()).slice(before);
  expect(events.filter(({ type }) => type === 'call.decided').length).toBe(6);
});

test.each([
  ['', 0],
  ['1.1 holdpoint', 1],
  ['1.1 holdpoint,1.1 squid ,\t1.1 holdpoint (a)', 2],
  ['1.1 holdpoint.example.com, 1.1 my-holdpoint', 0],
])('the gateways in a Via of %j are counted', (via, count) => {
  expect(gatewaysIn(via)).toBe(count);
});
