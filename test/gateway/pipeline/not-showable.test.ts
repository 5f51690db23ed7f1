import { afterAll, beforeAll, expect, test } from 'vitest';
import { MOST_SHOWN } from '../../../gateway/domain/showable.ts';
import { startDataPlane, TOKEN, type DataPlane } from '../../helpers/data-plane.ts';
import { startUpstream, type Upstream } from '../../helpers/upstream.ts';

const REGO = `package rules.payments

hold contains {"rule": "all", "reason": "people look at everything"}
`;

let upstream: Upstream;
let plane: DataPlane;

beforeAll(async () => {
  upstream = await startUpstream((_received, response) => response.writeHead(201).end('{}'));
  plane = await startDataPlane({
    systems: { payments: { upstream: upstream.url, wait: '0s', body_limit: '32MiB' } },
    rego: { 'payments.rego': REGO },
  });
});

afterAll(async () => {
  await plane.close();
  await upstream.close();
});

const send = (body: Buffer | string, type: string) =>
  fetch(`${plane.url}/payments/files`, {
    method: 'POST',
    headers: { authorization: `Bearer ${TOKEN}`, 'content-type': type },
    body,
  });
const pending = async () => (await plane.store.holds.list({ status: 'pending', limit: 10 })).items.length;

test('a call with more text than people are shown is refused at once and not held (mindroom-ai/mindroom#1571)', async () => {
  for (const [body, type] of [
    [JSON.stringify({ text: 'x'.repeat(MOST_SHOWN) }), 'application/json'],
    ['x'.repeat(MOST_SHOWN + 1), 'text/plain'],
  ] as const) {
    const response = await send(body, type);
    expect(response.status).toBe(403);
    expect(await response.json()).toMatchObject({ code: 'not-showable', rule: 'rules.payments/all' });
  }
  expect(await pending()).toBe(0);
  expect(plane.occasions).toEqual([]);
  expect(await plane.events()).toContainEqual(expect.objectContaining({ type: 'call.completed', status: 403 }));
});

test('a call with less text, and a binary one of any size, is held', async () => {
  expect((await send(JSON.stringify({ text: 'x'.repeat(MOST_SHOWN / 2) }), 'application/json')).status).toBe(503);
  expect((await send(Buffer.alloc(MOST_SHOWN + 1, 0xff), 'application/octet-stream')).status).toBe(503);
  expect(await pending()).toBe(2);
});
