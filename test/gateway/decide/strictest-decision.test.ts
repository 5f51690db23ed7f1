import { expect, test } from 'vitest';
import type { Decision, HoldTerms } from '../../../gateway/domain/decision.ts';
import { strictestDecision } from '../../../gateway/decide/strictest-decision.ts';

const TERMS: HoldTerms = {
  level: 2,
  requirements: [{ groups: ['finance'], quorum: 1, escalate: [] }],
  expiresIn: 60_000,
  respondWithin: 30_000,
  onExpiry: 'block',
  editable: ['/amount'],
  ownerMayApprove: true,
  reversible: true,
};

function decision(verdict: Decision['verdict'], members: Partial<Decision> = {}): Decision {
  return {
    id: `dec_${verdict}`,
    verdict,
    rules: [{ id: `rules.pay/${verdict}`, verdict, reason: null, trigger: 'rule' }],
    reason: `because of ${verdict}`,
    obligations: [],
    alert: [],
    terms: verdict === 'hold' ? TERMS : null,
    cost: null,
    policyRevision: 'r1',
    fault: null,
    decideMicros: 5,
    ...members,
  };
}

test('a call with a reading that policy blocks is blocked, whatever the other readings are', () => {
  const found = strictestDecision([decision('allow'), decision('hold'), decision('block')]);
  expect(found).toMatchObject({ verdict: 'block', reason: 'because of block', terms: null, decideMicros: 15 });
  expect(found.rules.map(({ id }) => id)).toEqual(['rules.pay/block', 'rules.pay/allow', 'rules.pay/hold']);
});

test('a call that policy holds in two readings needs the people of both, on the stricter terms', () => {
  const other: HoldTerms = {
    ...TERMS,
    requirements: [{ groups: ['legal'], quorum: 2, escalate: [] }],
    expiresIn: 30_000,
    editable: [],
    ownerMayApprove: false,
  };
  const { verdict, terms } = strictestDecision([
    decision('hold'),
    decision('allow'),
    decision('hold', { terms: other }),
  ]);
  expect(verdict).toBe('hold');
  expect(terms).toMatchObject({ expiresIn: 30_000, editable: [], ownerMayApprove: false });
  expect(terms?.requirements.map(({ groups }) => groups)).toEqual([['finance'], ['legal']]);
});

test('a call that policy allows in each reading gets the obligations of all and the highest cost', () => {
  const found = strictestDecision([
    decision('allow', { cost: { amount: 1, unit: 'EUR' }, obligations: [{ type: 'a' }] }),
    decision('allow', { cost: { amount: 3, unit: 'EUR' }, obligations: [{ type: 'b' }] }),
  ]);
  expect(found).toMatchObject({ verdict: 'allow', cost: { amount: 3 }, obligations: [{ type: 'b' }, { type: 'a' }] });
});

test('readings that cost different units cannot be compared, so the call is blocked', () => {
  const costs = ['EUR', 'tokens'].map((unit) => decision('allow', { cost: { amount: 1, unit } }));
  expect(strictestDecision([costs[0]!, costs[1]!])).toMatchObject({
    verdict: 'block',
    cost: null,
    fault: 'the readings of the call cost different units, which cannot be compared',
  });
});
