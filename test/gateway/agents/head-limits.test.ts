import { afterAll, beforeAll, expect, test } from 'vitest';
import { startDataPlane, TOKEN, type DataPlane } from '../../helpers/data-plane.ts';
import { connectRaw } from '../../security/raw-agent.ts';
import { startUpstream, type Upstream } from '../../helpers/upstream.ts';

let upstream: Upstream;
let plane: DataPlane;

beforeAll(async () => {
  upstream = await startUpstream(({ headers }, response) => {
    response.writeHead(200, { 'x-long': 'x'.repeat(Number(headers['x-want'] ?? 0)) }).end('ok');
  });
  plane = await startDataPlane({
    systems: {
      payments: { upstream: upstream.url },
      narrow: { upstream: upstream.url, answer_head_limit: '8KiB' },
    },
    rego: { 'p.rego': 'package rules.all\n\nallow contains {"rule": "all"}\n' },
  });
});

afterAll(async () => {
  await plane?.close();
  await upstream?.close();
});

const call = (path: string, headers: Record<string, string>) =>
  fetch(`${plane.url}${path}`, { headers: { authorization: `Bearer ${TOKEN}`, ...headers } });

test('a request head of 48 KiB passes, as long baggage and tokens need it', async () => {
  const answer = await call('/payments/x', { 'x-context': 'j'.repeat(48 * 1024) });
  expect(answer.status).toBe(200);
  expect(upstream.received.at(-1)?.headers['x-context']).toHaveLength(48 * 1024);
});

test('a response head of 48 KiB passes, as long links and policies of content need it', async () => {
  const agent = await connectRaw(plane.url.slice('http://'.length));
  agent.send(`GET /payments/x HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${TOKEN}\r\nX-Want: ${48 * 1024}\r\n\r\n`);
  const answer = await agent.answer();
  agent.close();
  expect(answer?.status).toBe(200);
  expect(answer?.headers.get('x-long')).toHaveLength(48 * 1024);
});

test('a longer request head is refused with the limit, and how to raise it', async () => {
  const before = upstream.received.length;
  const answer = await call('/payments/x', { 'x-context': 'j'.repeat(70 * 1024) });
  expect(answer.status).toBe(431);
  const problem = (await answer.json()) as { code: string; detail: string };
  expect(problem.code).toBe('head-too-large');
  expect(problem.detail).toMatch(/more than 65536 bytes.*head_limit/);
  expect(upstream.received.length).toBe(before);
});

test('a longer response head is refused by its name, and the agent learns that the call was executed', async () => {
  const answer = await call('/narrow/x', { 'x-want': String(9 * 1024) });
  expect(answer.status).toBe(502);
  expect(await answer.json()).toMatchObject({
    code: 'answer-head-too-large',
    detail: expect.stringMatching(/was executed.*answer_head_limit/),
  });
});
