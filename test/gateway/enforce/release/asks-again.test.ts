import { describe, expect, test } from 'vitest';
import type { Decision, Requirement } from '../../../../gateway/domain/decision.ts';
import type { CallHold } from '../../../../gateway/domain/hold.ts';
import { asksAgain } from '../../../../gateway/enforce/release/asks-again.ts';
import { aHold, ONE_OF_FINANCE, requirement } from '../../../helpers/hold.ts';

const finance = requirement(['finance']);
const rule = { id: 'rules.payments/large', verdict: 'hold', reason: null, trigger: 'rule' } as const;
const terms = ONE_OF_FINANCE;

/** An approved hold. */
const approved = (more: Partial<CallHold> = {}) => aHold(0, { status: 'approved', rules: [rule], ...more });

const decision = (more: Partial<Decision> = {}): Decision => ({
  id: 'dec_1',
  verdict: 'hold',
  rules: [rule],
  reason: 'large',
  obligations: [],
  alert: [],
  terms,
  cost: null,
  policyRevision: 'p2',
  fault: null,
  decideMicros: 1,
  ...more,
});

const requiring = (...requirements: Requirement[]) => decision({ terms: { ...terms, requirements } });

test('an approval stands when policy allows the call, or holds it as before', () => {
  expect(asksAgain(approved(), decision())).toBeNull();
  expect(asksAgain(approved(), decision({ verdict: 'allow', terms: null }))).toBeNull();
});

test('an approval is superseded when policy blocks the call', () => {
  expect(asksAgain(approved(), decision({ verdict: 'block', terms: null, reason: 'frozen' }))).toEqual({
    type: 'supersede',
    reason: 'frozen',
    policyRevision: 'p2',
  });
});

describe('reasons to ask people again', () => {
  const other = { ...rule, id: 'rules.payments/weekend' };
  const legal: Requirement = { groups: ['legal'], quorum: 1, escalate: [] };
  test.each<[string, CallHold, Decision]>([
    ['for a rule that was not approved', approved(), decision({ rules: [rule, other] })],
    ['for a higher level', approved(), decision({ terms: { ...terms, level: 3 } })],
    ['for more people of the same group', approved(), requiring({ ...finance, quorum: 2 })],
    ['for another group as well', approved(), requiring(finance, legal)],
    ['for another group instead', approved(), requiring(legal)],
    [
      'for a named group when any reviewer counted',
      approved({ terms: { ...terms, requirements: [] } }),
      requiring(finance),
    ],
    [
      'for a group when members of another group counted too',
      approved({ terms: { ...terms, requirements: [{ ...finance, groups: ['finance', 'ops'] }] } }),
      requiring(finance),
    ],
    [
      'when a group that had joined does not count any more',
      approved({ escalations: [{ at: 1, to: ['leads'], by: null, note: null, requirement: 0 }] }),
      requiring(finance),
    ],
    [
      'when the owner counted and does not any more',
      approved({
        terms: { ...terms, ownerMayApprove: true },
        votes: [{ reviewer: 'ana@example.com' }] as unknown as CallHold['votes'],
      }),
      decision(),
    ],
    [
      'for another group as well, when a grant approved the call',
      approved({ grantId: 'grant_1' }),
      requiring(finance, legal),
    ],
  ])('people are asked again %s', (_why, hold, now) => {
    expect(asksAgain(hold, now)).toMatchObject({ type: 'reopen', terms: now.terms, policyRevision: 'p2' });
  });
});

describe('reasons to let an approval stand', () => {
  test.each<[string, CallHold, Decision]>([
    ['for a smaller quorum', approved({ terms: { ...terms, requirements: [{ ...finance, quorum: 2 }] } }), decision()],
    ['for any reviewer, when a group has approved', approved(), requiring({ groups: [], quorum: 1, escalate: [] })],
    [
      'when the group that joined would still join',
      approved({ escalations: [{ at: 1, to: ['leads'], by: null, note: null, requirement: 0 }] }),
      requiring({ ...finance, escalate: [{ after: 60_000, to: ['leads'] }] }),
    ],
    ['when more groups may count', approved(), requiring({ ...finance, groups: ['finance', 'ops'] })],
  ])('people are not asked again %s', (_why, hold, now) => {
    expect(asksAgain(hold, now)).toBeNull();
  });
});
