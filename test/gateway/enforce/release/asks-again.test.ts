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

test('policy that allows or holds as before lets the approval stand', () => {
  expect(asksAgain(approved(), decision())).toBeNull();
  expect(asksAgain(approved(), decision({ verdict: 'allow', terms: null }))).toBeNull();
});

test('policy that blocks takes the approval away', () => {
  expect(asksAgain(approved(), decision({ verdict: 'block', terms: null, reason: 'frozen' }))).toEqual({
    type: 'supersede',
    reason: 'frozen',
    policyRevision: 'p2',
  });
});

describe('people are asked again', () => {
  const other = { ...rule, id: 'rules.payments/weekend' };
  const legal: Requirement = { groups: ['legal'], quorum: 1, escalate: [] };
  test.each<[string, CallHold, Decision]>([
    ['for a rule that nobody approved', approved(), decision({ rules: [rule, other] })],
    ['for a higher level', approved(), decision({ terms: { ...terms, level: 3 } })],
    ['for more people of the same group', approved(), requiring({ ...finance, quorum: 2 })],
    ['for another group as well', approved(), requiring(finance, legal)],
    ['for another group instead', approved(), requiring(legal)],
    [
      'for a named group where anybody counted',
      approved({ terms: { ...terms, requirements: [] } }),
      requiring(finance),
    ],
    [
      'for a group of which only some counted',
      approved({ terms: { ...terms, requirements: [{ ...finance, groups: ['finance', 'ops'] }] } }),
      requiring(finance),
    ],
    [
      'where a group counted that had joined and does not any more',
      approved({ escalations: [{ at: 1, to: ['leads'], by: null, note: null, requirement: 0 }] }),
      requiring(finance),
    ],
    [
      'where the owner counted and does not any more',
      approved({
        terms: { ...terms, ownerMayApprove: true },
        votes: [{ reviewer: 'ana@example.com' }] as unknown as CallHold['votes'],
      }),
      decision(),
    ],
    ['the same whether people or a grant approved it', approved({ grantId: 'grant_1' }), requiring(finance, legal)],
  ])('%s', (_why, hold, now) => {
    expect(asksAgain(hold, now)).toMatchObject({ type: 'reopen', terms: now.terms, policyRevision: 'p2' });
  });
});

describe('people are not asked again', () => {
  test.each<[string, CallHold, Decision]>([
    [
      'for less than they gave',
      approved({ terms: { ...terms, requirements: [{ ...finance, quorum: 2 }] } }),
      decision(),
    ],
    ['for anybody, where a group has approved', approved(), requiring({ groups: [], quorum: 1, escalate: [] })],
    [
      'where those who joined would still join',
      approved({ escalations: [{ at: 1, to: ['leads'], by: null, note: null, requirement: 0 }] }),
      requiring({ ...finance, escalate: [{ after: 60_000, to: ['leads'] }] }),
    ],
    ['where others may count too', approved(), requiring({ ...finance, groups: ['finance', 'ops'] })],
  ])('%s', (_why, hold, now) => {
    expect(asksAgain(hold, now)).toBeNull();
  });
});
