import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createEvaluator } from '../../gateway/decide/evaluator.ts';
import { decodeBundle, encodeBundle } from '../../gateway/domain/bundle.ts';
import { triggerOf } from '../../gateway/domain/decision.ts';
import { compilePolicies, SHIPPED_BUNDLE, shippedBundle } from '../../policies/compile.ts';
import { readSources } from '../../policies/sources.ts';
import { inFolder, inputOf, opa, root } from './real-opa.ts';

const committed = await readFile(SHIPPED_BUNDLE, 'utf8');

describe('the bundle that is shipped', () => {
  it('is, byte for byte, what its sources compile to', async () => {
    const sources = await readSources(join(root, 'policies'));
    const rebuilt = encodeBundle(await compilePolicies(sources, opa));
    // On a mismatch: node gateway/main.ts policy build policies
    expect(rebuilt === committed).toBe(true);
  });

  it('stands in for its sources, and for no others', async () => {
    expect(await shippedBundle(await readSources(join(root, 'policies')))).not.toBeNull();
    await inFolder({ 'a.rego': 'package rules.a\n' }, async (dir) => {
      expect(await shippedBundle(await readSources(dir))).toBeNull();
    });
  });
});

describe('the policy that is shipped', () => {
  const { decide } = createEvaluator(decodeBundle(committed));
  const refund = (amount: string, context = {}) =>
    decide(inputOf({ system: 'payments', path: '/v1/refunds', body: { charge: 'ch_1', amount }, context }));

  it('allows a small refund', () => {
    expect(refund('5000')).toMatchObject({ verdict: 'allow', rules: [{ id: 'rules.payments/small-refund' }] });
  });

  it('holds a larger refund for finance, who may change its amount', () => {
    expect(refund('20000')).toMatchObject({
      verdict: 'hold',
      reason: 'A refund of 200.00 is over the 50.00 that agents may refund by themselves.',
      terms: {
        level: 2,
        requirements: [{ groups: ['finance'], quorum: 1, escalate: [{ after: 600_000, to: ['finance-leads'] }] }],
        expiresIn: 1_800_000,
        respondWithin: 600_000,
        onExpiry: 'block',
        editable: ['/amount'],
        ownerMayApprove: false,
        reversible: false,
      },
    });
  });

  it('blocks a huge refund, also one beyond 32 bits', () => {
    for (const amount of ['100001', '999999999999'])
      expect(refund(amount)).toMatchObject({
        verdict: 'block',
        fault: null,
        rules: [{ id: 'rules.payments/refund-too-large' }],
      });
  });

  it('holds a small refund that the agent is unsure of, for any reviewer', () => {
    const decision = refund('100', { confidence: 0.84 });
    expect(decision).toMatchObject({ verdict: 'hold', terms: { requirements: [{ groups: [], quorum: 1 }] } });
    expect(triggerOf(decision.rules, 'hold')).toBe('probabilistic');
    expect(refund('100', { confidence: 0.85 }).verdict).toBe('allow');
  });

  it('holds a larger refund as it would be held anyway, whatever the agent says of it', () => {
    const plain = refund('20000');
    for (const context of [{ confidence: 0.5 }, { flags: ['odd'] }, { confidence: 0.1, flags: ['odd'] }]) {
      const decision = refund('20000', context);
      expect(decision.terms).toEqual(plain.terms);
      expect(triggerOf(decision.rules, 'hold')).toBe('rule');
    }
  });

  it('decides on amounts of every kind without a fault', () => {
    for (const amount of [0, -1, 1.5, null, true, [], {}, ['1', '2'], '', 'ten', '1e3', 5000, 5e10, '9'.repeat(400)])
      expect(refund(amount as string).fault).toBeNull();
  });

  it('blocks a system that it does not know', () => {
    expect(decide(inputOf({ system: 'unheard-of' }))).toMatchObject({ verdict: 'block', fault: null });
  });
});
