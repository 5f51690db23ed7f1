import type { Decision } from '../domain/decision.ts';
import { Problem } from '../domain/problem.ts';
import type { Evaluator } from './evaluator.ts';

/** The decision point of one process: whichever policy is in force. */
export type Decider = {
  /** The revision in force; null before the first policy is loaded. */
  revision(): string | null;
  /**
   * @throws Problem `policy-unavailable` when no policy is loaded. A policy that fails gives a blocking decision with a
   *   `fault` instead.
   */
  decide(input: string): Decision;
  /** From the next call on, this policy decides. The evaluator should be warm. */
  swap(evaluator: Evaluator): void;
};

export function createDecider(initial: Evaluator | null = null): Decider {
  let current = initial;
  return {
    revision: () => current?.revision ?? null,
    decide(input) {
      if (!current) throw new Problem('policy-unavailable');
      return current.decide(input);
    },
    swap(evaluator) {
      current = evaluator;
    },
  };
}
