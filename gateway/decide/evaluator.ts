import type { DriftCheck, DriftRules } from '../domain/metering.ts';
import type { Bundle } from '../domain/bundle.ts';
import type { Clock } from '../domain/clock.ts';
import type { Decision } from '../domain/decision.ts';
import { type CallInput, inputLength } from '../domain/call-input.ts';
import { REPEAT_PLACE, USAGE_PLACE } from '../domain/policy-input.ts';
import { createId } from '../domain/id.ts';
import { createBuiltins, missingBuiltins, MOMENTARY_BUILTINS } from './builtins.ts';
import { writeJson } from './builtins/json.ts';
import { readDrift } from './drift-outcome.ts';
import { unescapePairs } from './surrogates.ts';
import { createInstance, type Instance, preparePolicyModule, preparePolicyModuleMeanwhile } from './instance.ts';
import { failed, type Outcome, recallOutcome } from './outcome.ts';
import { createWords, type Words } from '../domain/words.ts';
import { createMayHold } from './may-hold.ts';
import { createReadsOf } from './reads-of.ts';
import { createProjection } from './projection.ts';
import { createRulePlaces } from './rule-places.ts';
import { createRecent } from './recent.ts';
import { sampleInputs } from './sample-inputs.ts';
import { inSlices } from './slices.ts';
import { createTimeLimit } from './time-limit.ts';

export const DECISION = 'holdpoint/decision';
/** OPA's decision-log masking. */
export const MASK = 'system/log/mask';
/** Only policies with drift rules have it. */
export const DRIFT = 'holdpoint/drift';

const MiB = 2 ** 20;
const WARM_EVALUATIONS = 2000;

/** Outcomes to remember (twice that at most), and the longest input text to remember one for: 2 MiB in all. */
const REMEMBERED = 512;
const LONGEST_REMEMBERED = 1024;
const KEPT_OF = 8;

export type Evaluator = DriftRules & {
  readonly revision: string;
  /** The names of the entrypoints, such as `holdpoint/decision`. */
  readonly entrypoints: readonly string[];
  /** Whether decisions on a system's calls read `input.usage`; null: whether the policy mentions it at all. */
  readsUsage(system: string | null): boolean;
  /** Whether it reads `input.action.repeat` of a system's calls; null stands for any system. */
  readsRepeat(system: string | null): boolean;
  /** Whether a rule names a tool of this system among those that it holds; null stands for any tool. */
  mayHold(system: string, tool: string | null): boolean;
  /**
   * Decides on one call, given the policy input, which the gateway wrote itself. Synchronous, no I/O, never
   * throws: any failure becomes a block, with its cause in `fault` for the log.
   */
  decide(input: CallInput): Decision;
  /** The input reduced to what a decision depends on. */
  sees(input: CallInput): string;
  readonly words: Words;
  /**
   * Evaluates `data.system.log.mask` for a decision-log event and returns the result set, both as JSON text. Null when
   * the policy has no mask. Throws what the module throws.
   */
  readonly mask: ((event: string) => string) | null;
  /**
   * The value of any entrypoint; undefined when it has none. For tests and dry runs, not for calls.
   * @throws Error when there is no such entrypoint, or its evaluation fails
   */
  evaluate(entrypoint: string, input: string): unknown;
  /**
   * Runs a couple of thousand evaluations of sample inputs, so that the first calls meet optimised code. It yields
   * about every millisecond.
   */
  warm(): Promise<void>;
};

export type EvaluatorOptions = {
  readonly clock?: Clock;
  /** Most UTF-16 units of an input; a longer one is a fault. Evaluation takes about ten times the memory. */
  readonly inputLimit?: number;
  /** Bytes of memory above which the instance is replaced after a call, because WASM memory never shrinks. */
  readonly memoryKept?: number;
};

/** The same while the process serves calls, which it delays by milliseconds at most. @throws the same */
export async function createEvaluatorMeanwhile(bundle: Bundle, options: EvaluatorOptions = {}): Promise<Evaluator> {
  return createEvaluator(bundle, options, await preparePolicyModuleMeanwhile(bundle.wasm));
}

/**
 * Prepares a compiled policy for decisions.
 * @param module of the bundle, if it is prepared already
 * @throws Error when the module cannot be loaded, or needs built-ins that the gateway lacks, each named; such a bundle
 *   must not be activated
 */
export function createEvaluator(
  bundle: Bundle,
  options: EvaluatorOptions = {},
  module = preparePolicyModule(bundle.wasm),
): Evaluator {
  const { clock = Date.now, inputLimit = 16 * MiB, memoryKept = 32 * MiB } = options;
  const { revision, data } = bundle;
  // The time is fixed during one evaluation, as in OPA.
  let now = 0;
  const builtins = createBuiltins(() => now);
  const timeLimit = createTimeLimit();
  const instantiate = () => createInstance(module, data, builtins, timeLimit.check);
  let instance: Instance | null = instantiate();
  const { entrypoints, requiredBuiltins } = instance;
  const missing = missingBuiltins(requiredBuiltins, builtins);
  if (missing.length > 0)
    throw new Error(`the policy uses built-ins that the gateway does not provide: ${missing.join(', ')}`);
  const keptMemory = Math.max(memoryKept, 2 * instance.memory());

  const assertSize = (input: CallInput) => {
    const length = inputLength(input);
    if (length > inputLimit) throw new Error(`input of ${length} characters is over the limit of ${inputLimit}`);
  };

  const use = <T>(input: string, evaluation: (used: Instance, shown: string) => T): T => {
    assertSize(input);
    const used = (instance ??= instantiate());
    // A failed evaluation may leave the instance's memory corrupt, so only a successful one puts it back.
    instance = null;
    now = clock();
    timeLimit.start(input);
    try {
      const result = evaluation(used, unescapePairs(input));
      if (used.memory() <= keptMemory) instance = used;
      return result;
    } finally {
      timeLimit.stop();
    }
  };
  const run = (entrypoint: number, input: string): string =>
    use(input, (used, shown) => used.evaluate(entrypoint, shown));

  const project = createProjection(bundle.reads);
  const decision = entrypoints[DECISION];
  /** @param shown an input reduced to what the decision depends on; the module gets nothing else */
  const evaluate = (shown: string): Outcome =>
    decision === undefined ? failed(`the bundle has no ${DECISION}`) : recallOutcome(run(decision, shown));

  const remembered = createRecent<Outcome>(REMEMBERED);
  let evaluated = 0;
  const isTimeless = !requiredBuiltins.some((name) => MOMENTARY_BUILTINS.includes(name));
  // Sound, because the key is the exact text that the module was given, and the outcome follows from that text alone.
  const recall = (shown: string, input: CallInput): Outcome => {
    // An unreduced input contains the time, so it never recurs.
    if (!isTimeless || shown === input || shown.length > LONGEST_REMEMBERED) return evaluate(shown);
    const known = remembered.get(shown);
    if (known !== undefined) return known;
    const outcome = evaluate(shown);
    // Only one outcome in eight is kept: recurring inputs are soon among them, and others cost little memory.
    if (outcome.fault === null && (evaluated = (evaluated + 1) % KEPT_OF) === 0) remembered.set(shown, outcome);
    return outcome;
  };

  const outcomeOf = (input: CallInput, find: (shown: string, input: CallInput) => Outcome): Outcome => {
    try {
      assertSize(input);
      return find(project(input), input);
    } catch (cause) {
      return failed(messageOf(cause));
    }
  };

  const placed = createRulePlaces(bundle.rules);
  const decide = (input: CallInput): Decision => {
    const started = performance.now();
    const outcome = outcomeOf(input, recall);
    return {
      id: createId('dec'),
      ...outcome,
      rules: placed(outcome.rules),
      policyRevision: revision,
      decideMicros: Math.round((performance.now() - started) * 1000),
    };
  };

  function* evaluateSamples(): Generator<void, void> {
    const inputs = sampleInputs(bundle);
    for (let done = 0; done < WARM_EVALUATIONS; done++) {
      const input = inputs[done % inputs.length]!;
      outcomeOf(input, evaluate);
      decide(input);
      yield;
    }
  }

  const usage = createReadsOf(bundle.reads, USAGE_PLACE);
  const mask = entrypoints[MASK];

  const watched = new Set(
    bundle.rules.filter(({ verdict }) => verdict === 'drift').map((rule) => rule.package.replace(/^rules\./, '')),
  );
  const watchesAll = watched.has('all');

  const findDrift = (input: string): DriftCheck => {
    try {
      const entrypoint = entrypoints[DRIFT];
      if (entrypoint === undefined) return { drift: null, fault: `the bundle has no ${DRIFT}` };
      return readDrift(run(entrypoint, input), revision);
    } catch (cause) {
      return { drift: null, fault: messageOf(cause) };
    }
  };

  return {
    revision,
    watches: (system) => watchesAll || watched.has(system),
    findDrift,
    entrypoints: Object.keys(entrypoints),
    readsUsage: (system) => bundle.readsUsage && (system === null || usage(system)),
    readsRepeat: createReadsOf(bundle.reads, REPEAT_PLACE),
    mayHold: createMayHold(bundle.rules),
    mask: mask === undefined ? null : (event) => run(mask, event),
    decide,
    sees: project,
    words: createWords(bundle.reads.words),
    evaluate(entrypoint, input) {
      const index = entrypoints[entrypoint];
      if (index === undefined) throw new Error(`the bundle has no entrypoint ${entrypoint}`);
      try {
        const value = use(input, (used, shown) => used.valueOf(index, shown));
        return value === undefined ? undefined : JSON.parse(writeJson(value));
      } catch (cause) {
        throw new Error(messageOf(cause), { cause });
      }
    },
    warm: () => inSlices(evaluateSamples()),
  };
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
