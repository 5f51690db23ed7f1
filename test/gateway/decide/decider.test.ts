import { expect, it } from 'vitest';
import { createDecider } from '../../../gateway/decide/decider.ts';
import { createEvaluator } from '../../../gateway/decide/evaluator.ts';
import { Problem } from '../../../gateway/domain/problem.ts';
import { inputOf } from '../../policies/real-opa.ts';
import { compileRego } from '../../helpers/policy.ts';

it('the decider refuses to decide before there is a policy', () => {
  const decider = createDecider();
  expect(decider.revision()).toBeNull();
  expect(() => decider.decide(inputOf())).toThrow(expect.objectContaining({ code: 'policy-unavailable' }));
  expect(() => decider.decide(inputOf())).toThrow(Problem);
});

it('the decider decides by the new policy after a swap', async () => {
  const open = createEvaluator(
    await compileRego({ 'r.rego': 'package rules.crm\n\nallow contains {"rule": "any"}\n' }),
  );
  const shut = createEvaluator(
    await compileRego({ 'r.rego': 'package rules.crm\n\nblock contains {"rule": "any"}\n' }),
  );
  const decider = createDecider(open);
  expect(decider.decide(inputOf())).toMatchObject({ verdict: 'allow', policyRevision: open.revision });
  decider.swap(shut);
  expect(decider.decide(inputOf())).toMatchObject({ verdict: 'block', policyRevision: shut.revision });
  expect(decider.revision()).toBe(shut.revision);
});
