import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { createAmend } from '../../../gateway/holds/amend.ts';
import { amendCall, changedPlaces } from '../../../gateway/describe/http/amend.ts';
import { createEvaluator, type Evaluator } from '../../../gateway/decide/evaluator.ts';
import type { Amend, Amendment } from '../../../gateway/domain/amendment.ts';
import { assertCall, type CallHold } from '../../../gateway/domain/hold.ts';
import { isRefusal } from '../../../gateway/domain/hold-command.ts';
import type { Reviewer } from '../../../gateway/domain/principal.ts';
import { createDigest } from '../../../gateway/holds/binding.ts';
import { approve, BEN, DORA, startDataPlane, TOKEN, type DataPlane } from '../../helpers/data-plane.ts';
import { compileRego } from '../../helpers/policy.ts';
import { startUpstream, type Upstream } from '../../helpers/upstream.ts';

const REGO = `package rules.payments

allow contains {"rule": "small"} if input.action.body.amount <= 100

hold contains {"rule": "large", "reason": "more than 100", "reviewers": ["finance"], "quorum": 2, "editable": ["/amount", "/to"]} if {
	input.action.body.amount > 100
}

hold contains {"rule": "abroad", "reason": "it leaves the country", "reviewers": ["legal"], "editable": ["/amount"], "expires_in": "5m"} if {
	input.action.body.to == "abroad"
}

block contains {"rule": "huge", "reason": "more than 1000 is never paid"} if input.action.body.amount > 1000
`;
const EVE: Reviewer = { id: 'eve@example.com', groups: ['finance'], roles: ['reviewer'] };

let upstream: Upstream;
let plane: DataPlane;
let original: Evaluator;
let amend: Amend;

beforeAll(async () => {
  upstream = await startUpstream();
  plane = await startDataPlane({
    systems: { payments: { upstream: upstream.url, wait: '20s' } },
    rego: { 'payments.rego': REGO },
  });
  original = createEvaluator(await compileRego({ 'payments.rego': REGO }));
  const digest = createDigest(new Map(plane.config.systems.map((system) => [system.name, system])));
  amend = createAmend({
    decide: (input) => plane.decider.decide(input),
    digest,
    edit: { amendCall, changedPlaces },
    repeated: async () => null,
  });
});

afterEach(() => plane.decider.swap(original));

afterAll(async () => {
  await plane?.close();
  await upstream?.close();
});

async function held(): Promise<{ hold: CallHold; answer: Promise<Response> }> {
  const purpose = randomUUID();
  const answer = fetch(`${plane.url}/payments/pay`, {
    method: 'POST',
    body: JSON.stringify({ amount: 500, to: 'home', purpose }),
    headers: {
      authorization: `Bearer ${TOKEN}`,
      'content-type': 'application/json',
      'agent-context': `task="${purpose}"`,
    },
  });
  const find = async () =>
    (await plane.store.holds.list({ limit: 50 })).items.find((one) => one.claims.task === purpose);
  await expect.poll(find).toBeDefined();
  return { hold: assertCall((await find())!), answer };
}

async function amended(hold: CallHold, edit: object) {
  return amend(hold, (await plane.store.contents.call(hold.id))!, edit);
}

async function edit(hold: CallHold, by: Reviewer, { call, digest, envelope, judgement }: Amendment): Promise<CallHold> {
  const told = { channel: 'api', revision: hold.revision, note: null, seenAt: null } as const;
  const result = await plane.store.holds.apply(hold.id, {
    type: 'edit',
    by,
    ...told,
    call,
    digest,
    envelope,
    judgement,
  });
  if (isRefusal(result)) throw new Error(result.detail);
  return assertCall(result);
}

describe('a call that a reviewer edits', () => {
  test('a call that a reviewer edits keeps its terms where policy allows it as edited, and is sent as edited once they are met', async () => {
    const { hold, answer } = await held();
    const amendment = (await amended(hold, { amount: 50 })) as Amendment;
    expect(amendment.judgement).toEqual({
      rules: hold.rules,
      reason: hold.reason,
      terms: hold.terms,
      cost: null,
      policyRevision: plane.decider.revision(),
    });
    expect(amendment.digest).not.toBe(hold.digest);
    expect(amendment.envelope).toBe(hold.envelope);
    await edit(hold, BEN, amendment);
    expect(await plane.store.holds.find(hold.id)).toMatchObject({ status: 'pending', revision: 2 });
    await approve(plane.store, hold.id, EVE);
    expect((await answer).status).toBe(200);
    expect(JSON.parse(upstream.received.at(-1)!.body.toString())).toMatchObject({ amount: 50, to: 'home' });
    const own = await fetch(`${plane.url}/-/holds/${hold.id}`, { headers: { authorization: `Bearer ${TOKEN}` } });
    expect(await own.json()).toMatchObject({ edited: true, revision: 2, execution: 'executed' });
  });

  test('a call that a reviewer edits needs what it needed before and what it needs as edited', async () => {
    const { hold } = await held();
    const { judgement } = (await amended(hold, { to: 'abroad' })) as Amendment;
    expect(judgement.rules.map(({ id }) => id).toSorted()).toEqual(['rules.payments/abroad', 'rules.payments/large']);
    expect(judgement.terms).toMatchObject({
      requirements: expect.arrayContaining([
        { groups: ['finance'], quorum: 2, escalate: [] },
        { groups: ['legal'], quorum: 1, escalate: [] },
      ]),
      editable: ['/amount'],
      expiresIn: 5 * 60_000,
    });

    const both = (await amended(hold, { to: 'abroad', amount: 50 })) as Amendment;
    expect(both.judgement.rules.map(({ id }) => id)).toEqual(['rules.payments/abroad', 'rules.payments/large']);
    expect(both.judgement.terms.requirements).toHaveLength(2);
  });

  test('a call that a reviewer edits is not asked about again at its release for the rules that it was edited out of', async () => {
    const { hold, answer } = await held();
    const next = await edit(hold, BEN, (await amended(hold, { to: 'abroad', amount: 50 })) as Amendment);
    await approve(plane.store, next.id, EVE);
    await approve(plane.store, next.id, DORA);
    expect((await answer).status).toBe(200);
    expect(JSON.parse(upstream.received.at(-1)!.body.toString())).toMatchObject({ amount: 50, to: 'abroad' });
  });

  test('a call that a reviewer edits cannot be edited into what policy blocks, nor where the rule does not allow it', async () => {
    const { hold } = await held();
    expect(await amended(hold, { amount: 5000 })).toMatchObject({
      refused: 'blocked',
      detail: 'Policy blocks the call as edited: more than 1000 is never paid',
      decision: { verdict: 'block' },
    });
    expect(await amended(hold, { purpose: 'another' })).toMatchObject({ refused: 'invalid', pointer: '/purpose' });
    expect(await amended(hold, { amount: 500 })).toMatchObject({ refused: 'invalid' });
  });

  test('a call that a reviewer edits cannot be edited while policy cannot decide', async () => {
    const { hold } = await held();
    const faulty = await compileRego({ 'payments.rego': 'package rules.payments\n\nallow contains "nonsense"\n' });
    plane.decider.swap(createEvaluator(faulty));
    await expect(amended(hold, { amount: 50 })).rejects.toMatchObject({ code: 'policy-unavailable' });
  });
});
