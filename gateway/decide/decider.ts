import type { DriftRules } from '../domain/metering.ts';
import { NO_RULE, type Decision } from '../domain/decision.ts';
import { type CallInput, inputText } from '../domain/call-input.ts';
import { haveOnePath, isOtherCase } from '../domain/policy-input.ts';
import { Problem } from '../domain/problem.ts';
import { NO_WORDS, type Words } from '../domain/words.ts';
import type { Evaluator } from './evaluator.ts';
import { blockUnmetObligations } from './obligations.ts';
import { strictestDecision } from './strictest-decision.ts';

/** The decision point of one process, with the policy in force. */
export type Decider = DriftRules & {
  /** The revision in force; null before the first policy is loaded. */
  revision(): string | null;
  /**
   * The verdict on a call. Of a call that systems read in several ways, it is the strictest of all readings.
   * @throws Problem `policy-unavailable` when no policy is loaded. A policy that fails gives a blocking decision with a
   *   `fault` instead.
   */
  decide(input: CallInput, otherReadings?: readonly CallInput[]): Decision;
  /** The input as far as the policy in force reads it: inputs of which it sees the same get the same decision. */
  sees(input: CallInput): string;
  /** The words in the texts of the policy in force. */
  words(): Words;
  /**
   * Whether the policy in force reads `input.usage` for decisions on a system's calls; null: whether it mentions it at
   * all, be it in drift rules.
   */
  readsUsage(system: string | null): boolean;
  /** Whether it reads `input.action.repeat` of a system's calls; null stands for any system. */
  readsRepeat(system: string | null): boolean;
  /** Whether a rule of the policy in force names a tool of this system among those that it holds; null stands for any tool. */
  mayHold(system: string, tool: string | null): boolean;
  /** The decision-log mask of the policy in force, if it has one; see `Evaluator`. */
  mask(): Evaluator['mask'];
  /** Activates a policy from the next call on. Warm up the evaluator first. */
  swap(evaluator: Evaluator): void;
};

/**
 * The decision on a call that systems read in several ways. A path in another case is most often another path, so that
 * reading counts only if a rule holds or blocks it, or fails: that no rule allows it says nothing.
 */
function decideAll(evaluator: Evaluator, input: CallInput, otherReadings: readonly CallInput[]): Decision {
  const usual = evaluator.decide(input);
  const others = otherReadings.flatMap((reading) => {
    const decision = evaluator.decide(reading);
    const counts = !isOtherCase(reading) || (decision.verdict !== 'allow' && decision.rules[0]?.id !== NO_RULE);
    return counts ? [decision] : [];
  });
  const decision = strictestDecision([usual, ...others]);
  if (decision.verdict === usual.verdict) return decision;
  const why = haveOnePath([input, ...otherReadings]) ? OF_CALL : OF_PATH;
  return { ...decision, reason: `${decision.reason} ${why}` };
}

const OF_CALL = 'Systems could read this call in several ways, and this is the verdict on one of them.';
const OF_PATH =
  'Systems could read its path in several ways, and this is the verdict on one of them. If this system reads it in one way ' +
  'only, an operator can declare that under `path` in its configuration.';

export function createDecider(initial: Evaluator | null = null): Decider {
  let current = initial;
  return {
    revision: () => current?.revision ?? null,
    decide(input, otherReadings = []) {
      const evaluator = current;
      if (!evaluator) throw new Problem('policy-unavailable');
      return blockUnmetObligations(
        otherReadings.length === 0 ? evaluator.decide(input) : decideAll(evaluator, input, otherReadings),
      );
    },
    watches: (system) => current?.watches(system) ?? false,
    findDrift: (input) => current?.findDrift(input) ?? { drift: null, fault: 'no policy is loaded' },
    sees: (input) => current?.sees(input) ?? inputText(input),
    words: () => current?.words ?? NO_WORDS,
    readsUsage: (system) => current?.readsUsage(system) ?? false,
    readsRepeat: (system) => current?.readsRepeat(system) ?? false,
    mayHold: (system, tool) => current?.mayHold(system, tool) ?? false,
    mask: () => current?.mask ?? null,
    swap(evaluator) {
      current = evaluator;
    },
  };
}
