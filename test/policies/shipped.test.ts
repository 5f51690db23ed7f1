import { hash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createPolicyTarget } from '../../gateway/agents/policy-target.ts';
import { createEvaluator } from '../../gateway/decide/evaluator.ts';
import { decodeBundle, encodeBundle } from '../../gateway/domain/bundle.ts';
import { triggerOf } from '../../gateway/domain/decision.ts';
import { compilePolicies, SHIPPED_BUNDLE, shippedBundle } from '../../policies/compile.ts';
import { EXAMPLES, readSources } from '../../policies/sources.ts';
import { compileRego } from '../helpers/policy.ts';
import { inFolder, inputOf, opa, root } from './real-opa.ts';

const committed = await readFile(SHIPPED_BUNDLE, 'utf8');

it('the shipped rules for one system are known as examples', async () => {
  const rules = join(root, 'policies/rules');
  const shipped = (await readdir(rules)).filter((name) => !/^all\b|_test\.rego$/.test(name)).toSorted();
  const digests = await Promise.all(
    shipped.map(async (name) => [`rules/${name}`, hash('sha256', await readFile(join(rules, name)))]),
  );
  expect(EXAMPLES).toEqual(Object.fromEntries(digests));
});

it('an example that is unchanged needs no system, and one that was changed does', async () => {
  const file = 'rules/github.rego';
  const github = await readFile(join(root, 'policies', file), 'utf8');
  const systems = [{ name: 'payments' }];
  await compileRego({ [file]: github }, systems);
  await expect(compileRego({ [file]: `${github}\n` }, systems)).rejects.toThrow('there is no system "github"');
});

describe('the shipped bundle', () => {
  it('the shipped bundle is, byte for byte, what its sources compile to', async () => {
    const sources = await readSources(join(root, 'policies'));
    const rebuilt = encodeBundle(await compilePolicies(sources, opa, createPolicyTarget(null)));
    // On a mismatch: npx holdpoint policy build policies
    expect(rebuilt === committed).toBe(true);
  });

  it('the shipped bundle replaces its sources, and no others', async () => {
    expect(await shippedBundle(await readSources(join(root, 'policies')))).not.toBeNull();
    await inFolder({ 'a.rego': 'package rules.a\n' }, async (dir) => {
      expect(await shippedBundle(await readSources(dir))).toBeNull();
    });
  });
});

describe('the shipped policy', () => {
  const { decide } = createEvaluator(decodeBundle(committed));
  const refund = (amount: string, context = {}) =>
    decide(inputOf({ system: 'payments', path: '/v1/refunds', body: { charge: 'ch_1', amount }, context }));

  it('the shipped policy allows a small refund', () => {
    expect(refund('5000')).toMatchObject({ verdict: 'allow', rules: [{ id: 'rules.payments/small-refund' }] });
  });

  it('the shipped policy holds a larger refund for finance, who may change its amount', () => {
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

  it('the shipped policy blocks a huge refund, even beyond 32 bits', () => {
    for (const amount of ['100001', '999999999999'])
      expect(refund(amount)).toMatchObject({
        verdict: 'block',
        fault: null,
        rules: [{ id: 'rules.payments/refund-too-large' }],
      });
  });

  it('the shipped policy holds a small refund for any reviewer if the agent is unsure', () => {
    const decision = refund('100', { confidence: 0.84 });
    expect(decision).toMatchObject({ verdict: 'hold', terms: { requirements: [{ groups: [], quorum: 1 }] } });
    expect(triggerOf(decision.rules, 'hold')).toBe('probabilistic');
    expect(refund('100', { confidence: 0.85 }).verdict).toBe('allow');
  });

  it('the shipped policy holds a larger refund under the same terms, whatever the agent says', () => {
    const plain = refund('20000');
    for (const context of [{ confidence: 0.5 }, { flags: ['odd'] }, { confidence: 0.1, flags: ['odd'] }]) {
      const decision = refund('20000', context);
      expect(decision.terms).toEqual(plain.terms);
      expect(triggerOf(decision.rules, 'hold')).toBe('rule');
    }
  });

  it('the shipped policy decides on amounts of every kind without a fault', () => {
    for (const amount of [0, -1, 1.5, null, true, [], {}, ['1', '2'], '', 'ten', '1e3', 5000, 5e10, '9'.repeat(400)])
      expect(refund(amount as string).fault).toBeNull();
  });

  it('the shipped policy blocks an unknown system', () => {
    expect(decide(inputOf({ system: 'unheard-of' }))).toMatchObject({ verdict: 'block', fault: null });
  });
});
