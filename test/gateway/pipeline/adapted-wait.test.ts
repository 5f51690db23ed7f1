import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
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
    systems: { payments: { upstream: upstream.url, wait: '50s' } },
    rego: { 'payments.rego': REGO },
  });
});

afterAll(async () => {
  await plane.close();
  await upstream.close();
});

test('an SDK that left a held call at its time-out reads 503 with Location before that the next time (wildware-uk/agent-dashboard#15)', async () => {
  const call = (signal?: AbortSignal) =>
    fetch(`${plane.url}/payments/pay`, {
      method: 'POST',
      headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json', 'user-agent': 'python-httpx/1' },
      body: JSON.stringify({ purpose: randomUUID() }),
      ...(signal && { signal }),
    });
  const timeout = 1_500;
  await expect(call(AbortSignal.timeout(timeout))).rejects.toThrow('timeout');
  const answer = await call();
  expect(answer.status).toBe(503);
  expect(answer.headers.get('location')).toMatch(/^\/-\/holds\/hold_/);
  expect(await answer.json()).toMatchObject({ code: 'approval-pending' });
});
