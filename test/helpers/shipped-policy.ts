import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createDecider } from '../../gateway/decide/decider.ts';
import { createEvaluator } from '../../gateway/decide/evaluator.ts';
import { decodeBundle, type RuleSource } from '../../gateway/domain/bundle.ts';
import { misfits } from '../../policies/misfits.ts';

/** The policy that ships with Holdpoint, as the admin listener asks it. */
export type ShippedPolicy = {
  readonly sources: readonly RuleSource[];
  evaluate(input: unknown): unknown;
  readonly misfits: typeof misfits;
};

export async function shippedPolicy(): Promise<ShippedPolicy> {
  const bundle = decodeBundle(await readFile(join(import.meta.dirname, '../../policies/dist/bundle.json'), 'utf8'));
  const decider = createDecider();
  decider.swap(createEvaluator(bundle));
  return { sources: bundle.rules, evaluate: (input) => decider.decide(JSON.stringify(input)), misfits };
}
