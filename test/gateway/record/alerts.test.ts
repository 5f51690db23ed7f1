import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { Store } from '../../../gateway/domain/store.ts';
import { Problem } from '../../../gateway/domain/problem.ts';
import { startDataPlane, TOKEN, type DataPlane } from '../../helpers/data-plane.ts';
import { startUpstream, type Upstream } from '../../helpers/upstream.ts';

const REGO = `package rules.payments

hold contains {"rule": "never", "reason": "money does not leave the country", "level": 4, "reviewers": ["finance", "legal"]} if {
	input.action.body.country == "elsewhere"
}

block contains {"rule": "huge"} if input.action.body.amount > 1000

hold contains {"rule": "unsure", "trigger": "probabilistic", "level": 4, "reviewers": ["legal"]} if {
	input.context.confidence < 0.1
}
`;

let upstream: Upstream;
let plane: DataPlane;
const now = { skew: 0 };
let alerted = 0;
let away = false;

beforeAll(async () => {
  upstream = await startUpstream();
  plane = await startDataPlane({
    systems: { payments: { upstream: upstream.url } },
    rego: { 'payments.rego': REGO },
    clock: () => Date.now() + now.skew,
    through: (store): Store => ({
      ...store,
      notifications: {
        ...store.notifications,
        async alert(alert) {
          alerted += 1;
          if (away) throw new Problem('store-unavailable');
          return store.notifications.alert(alert);
        },
      },
    }),
  });
});

beforeEach(() => {
  // A window of its own for each test.
  now.skew += 10 * 60_000;
  alerted = 0;
  away = false;
  plane.occasions.splice(0);
});

afterAll(async () => {
  await plane?.close();
  await upstream?.close();
});

function pay(body: object, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(`${plane.url}/payments/pay`, {
    method: 'POST',
    body: JSON.stringify(body),
    headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json', ...headers },
  });
}

test('a call that policy blocks at level 4 is blocked, and the groups of the rule are notified at once', async () => {
  const answer = await pay({ country: 'elsewhere' });
  expect(answer.status).toBe(403);
  expect(await answer.json()).toMatchObject({ code: 'blocked', rule: 'rules.payments/never' });
  await expect.poll(() => plane.occasions.length).toBe(1);
  expect(plane.occasions[0]).toMatchObject({
    kind: 'alert',
    groups: ['finance', 'legal'],
    event: {
      type: 'call.decided',
      verdict: 'block',
      agent: 'billing-bot',
      rules: ['rules.payments/never'],
      reason: 'money does not leave the country',
      decision_id: answer.headers.get('holdpoint-decision'),
    },
  });
  expect(upstream.received).toEqual([]);
});

test('an agent that repeats a blocked call raises one alert in five minutes', async () => {
  for (let i = 0; i < 5; i++) await pay({ country: 'elsewhere' });
  await expect.poll(() => plane.occasions.length).toBe(1);
  expect(alerted).toBe(1);
  now.skew += 5 * 60_000;
  await pay({ country: 'elsewhere' });
  await expect.poll(() => plane.occasions.length).toBe(2);
});

test('a block below level 4 raises no alert', async () => {
  expect((await pay({ amount: 5000 })).status).toBe(403);
  expect(alerted).toBe(0);
});

test('an alert that cannot be stored leaves the call blocked, is logged and counted, and is raised again by the next block', async () => {
  away = true;
  const failed = async () =>
    (await plane.registry.getSingleMetric('holdpoint_alerts_failed_total')?.get())?.values[0]?.value;
  expect((await pay({ country: 'elsewhere' })).status).toBe(403);
  await expect.poll(failed).toBe(1);
  expect(plane.logged.filter(({ msg }) => String(msg).startsWith('the alert about a blocked call'))).toHaveLength(1);
  away = false;
  expect((await pay({ country: 'elsewhere' })).status).toBe(403);
  await expect.poll(() => plane.occasions.length).toBe(1);
});

test('the record tells an estimate, a rule and an uncovered call apart as triggers', async () => {
  const triggers = async () =>
    (await plane.events()).filter(({ type }) => type === 'call.decided').map(({ trigger }) => trigger);
  const before = (await triggers()).length;
  await pay({ country: 'elsewhere' });
  await pay({ purpose: 'odd' }, { 'agent-context': 'confidence=0.05' });
  await pay({ purpose: 'nothing fits' });
  expect((await triggers()).slice(before)).toEqual(['rule', 'probabilistic', 'default']);
});
