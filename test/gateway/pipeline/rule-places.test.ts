import { afterAll, beforeAll, expect, test } from 'vitest';
import { decide, startAdmin } from '../../helpers/admin.ts';
import { REVIEWER_TOKEN, startDataPlane, TOKEN, type DataPlane } from '../../helpers/data-plane.ts';
import { startUpstream, type Upstream } from '../../helpers/upstream.ts';

const RULES = `package rules.payments

allow contains {"rule": "any"}

hold contains {"rule": "large", "reason": "Large."} if input.action.body.amount > 10

block contains {"rule": "huge", "reason": "Huge."} if input.action.body.amount > 1000
`;
const MORE =
  'package rules.payments\n\nhold contains {"rule": "large", "reason": "Large."} if input.action.body.amount > 20\n';

let upstream: Upstream;
let plane: DataPlane;
let admin: Awaited<ReturnType<typeof startAdmin>>;

beforeAll(async () => {
  upstream = await startUpstream();
  plane = await startDataPlane({
    systems: { payments: { upstream: upstream.url } },
    rego: { 'payments.rego': RULES, 'more/payments.rego': MORE },
  });
  admin = await startAdmin(plane);
});

afterAll(async () => {
  await admin?.close();
  await plane?.close();
  await upstream?.close();
});

async function pay(amount: number): Promise<Response> {
  return await fetch(`${plane.url}/payments/v1/refunds`, {
    method: 'POST',
    headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json', prefer: 'wait=0' },
    body: JSON.stringify({ amount }),
  });
}

async function decided(response: Response) {
  const id = response.headers.get('holdpoint-decision');
  return (await plane.events()).find(({ type, decision_id }) => type === 'call.decided' && decision_id === id);
}

test('a hold tells reviewers which rule gave which verdict, with every file and line', async () => {
  const response = await pay(50);
  expect(response.status).toBe(503);
  expect(await response.text()).not.toContain('.rego');
  const { hold_id } = await decide(admin, 'reject', { code: 'other' });
  const shown = await fetch(`${admin.url}/api/holds/${hold_id}`, {
    headers: { authorization: `Bearer ${REVIEWER_TOKEN}` },
  });
  expect(await shown.json()).toMatchObject({
    policy: {
      rules: ['rules.payments/large', 'rules.payments/any'],
      matched: [
        {
          rule: 'rules.payments/large',
          verdict: 'hold',
          reason: 'Large.',
          trigger: 'rule',
          places: [
            { file: 'more/payments.rego', line: 3 },
            { file: 'payments.rego', line: 5 },
          ],
        },
        { rule: 'rules.payments/any', verdict: 'allow', places: [{ file: 'payments.rego', line: 3 }] },
      ],
    },
  });
});

test('an event tells the verdict of each rule where they differ', async () => {
  const allowed = await decided(await pay(5));
  expect(allowed).toMatchObject({ rules: ['rules.payments/any'] });
  expect(allowed).not.toHaveProperty('rule_verdicts');
  expect(await decided(await pay(5000))).toMatchObject({
    rules: ['rules.payments/huge', 'rules.payments/large', 'rules.payments/any'],
    rule_verdicts: ['block', 'hold', 'allow'],
  });
  const steps = (await plane.store.outbox.read(0, 100)).map(({ event }) => event);
  expect(steps.find(({ type }) => type === 'hold.opened')).toMatchObject({ rules: ['rules.payments/large'] });
});

test('a refused agent reads the name of the rule and its reason, and not where the rule is', async () => {
  const response = await pay(5000);
  const text = await response.text();
  expect(JSON.parse(text)).toMatchObject({ code: 'blocked', rule: 'rules.payments/huge', detail: 'Huge.' });
  expect(text + JSON.stringify([...response.headers])).not.toContain('.rego');
});
