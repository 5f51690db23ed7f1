import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Hold } from '../../../../gateway/domain/hold.ts';
import { approve, startDataPlane, TOKEN, type DataPlane } from '../../../helpers/data-plane.ts';
import { startUpstream, type Upstream } from '../../../helpers/upstream.ts';
import { connectRaw } from '../../../security/raw-agent.ts';

const REGO = `package rules.payments

allow contains {"rule": "small"} if input.action.body.amount <= 100

hold contains {"rule": "large", "reviewers": ["finance"]} if input.action.body.amount > 100
`;
const CALLS = 20;

let upstream: Upstream;
let plane: DataPlane;

beforeAll(async () => {
  upstream = await startUpstream();
  plane = await startDataPlane({
    systems: { payments: { upstream: upstream.url, wait: '50s' } },
    rego: { 'payments.rego': REGO },
  });
});

afterAll(async () => {
  await plane?.close();
  await upstream?.close();
});

/** Sends a payment and hangs up as soon as its last byte is out. */
async function payAndHangUp(amount: number): Promise<void> {
  const agent = await connectRaw(plane.url.slice('http://'.length));
  const body = JSON.stringify({ amount, purpose: randomUUID() });
  const head = ['POST /payments/pay HTTP/1.1', 'Host: a', `Authorization: Bearer ${TOKEN}`];
  const entity = ['Content-Type: application/json', `Content-Length: ${body.length}`];
  await new Promise((sent) =>
    agent.socket.write(`${[...head, ...entity].join('\r\n')}\r\n\r\n${body}`, 'latin1', sent),
  );
  agent.close();
}

async function holdsOf(status: 'pending' | 'approved'): Promise<Hold[]> {
  return (await plane.store.holds.list({ status, limit: 100 })).items;
}

async function completed(verdict: string) {
  return (await plane.events()).filter((event) => event.type === 'call.completed' && event.verdict === verdict);
}

test('a held call is not executed when its agent left at once, even while the call was being recorded', async () => {
  await Promise.all(Array.from({ length: CALLS }, () => payAndHangUp(500)));
  await expect.poll(async () => (await completed('hold')).length).toBe(CALLS);
  expect((await completed('hold')).every(({ status }) => status === undefined)).toBe(true);
  const pending = await holdsOf('pending');
  expect(pending.length).toBe(CALLS);
  for (const { id } of pending) await approve(plane.store, id);
  expect((await holdsOf('approved')).map(({ execution }) => execution)).toEqual(Array(CALLS).fill('none'));
  expect(upstream.received).toEqual([]);
});
