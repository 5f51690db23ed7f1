import type { Bundle, RuleSource } from '../gateway/domain/bundle.ts';
import type { RulePlace } from '../gateway/domain/decision.ts';
import type { Clock } from '../gateway/domain/clock.ts';
import type { PolicyTarget } from '../gateway/domain/policy-target.ts';
import { compilePolicies, shippedBundle } from './compile.ts';
import type { Opa } from './opa.ts';
import { PolicyError } from './policy-error.ts';
import { ruleText } from './rule-text.ts';
import { runTests } from './run-tests.ts';
import { findStrayPackages, hasTests, readSources, textOf, type Sources } from './sources.ts';
import { watchPolicies } from './watch.ts';

type PolicyStatus = {
  readonly active: {
    readonly revision: string;
    /** Milliseconds since the epoch. */
    readonly activatedAt: number;
    readonly rules: readonly RuleSource[];
  } | null;
  /** The latest change that was refused; null once a change is activated. */
  readonly refused: { readonly at: number; readonly reasons: readonly string[] } | null;
};

export type PolicyKeeper = {
  /**
   * Activates the policy in the folder, or the last active one if the folder's is broken, and watches the folder.
   * @throws PolicyError when there is neither
   */
  start(): Promise<void>;
  /** Reads the folder now; resolves when its policy is active or refused. */
  refresh(): Promise<void>;
  /** Judges a refused policy again, as the gateway that it is for has changed. */
  judgeAgain(): Promise<void>;
  status(): PolicyStatus;
  /** The text of the rule at a place; null if another policy is active by now, or the folder no longer has the active one. */
  ruleText(revision: string, place: RulePlace): string | null;
  stop(): void;
};

type PolicyKeeperDeps = {
  /** The policy folder. */
  readonly dir: string;
  /** The gateway that the policy is for, as configured now. */
  readonly target: () => PolicyTarget;
  /** Keeps bundles on disk, and the revision of the active one. */
  readonly store: {
    write(bundle: Bundle): Promise<void>;
    read(revision: string): Promise<Bundle>;
    activate(revision: string): Promise<void>;
    active(): Promise<string | null>;
  };
  /** The gateway's evaluator. Throws when the policy needs built-ins that the gateway lacks. */
  readonly load: (bundle: Bundle) => { evaluate(entrypoint: string, input: string): unknown };
  /** Finds `opa`. Called at the first compilation only. */
  readonly opa: () => Promise<Opa>;
  /** Called when a bundle is active and on disk; tells every worker. */
  readonly onActivated: (bundle: Bundle) => void | Promise<void>;
  readonly onRefused: (reasons: readonly string[]) => void;
  readonly clock?: Clock;
  readonly debounce?: number;
};

/** Keeps the active policy in step with its folder. A change that cannot be used changes nothing and is reported. */
export function createPolicyKeeper(deps: PolicyKeeperDeps): PolicyKeeper {
  const { dir, target, store, load, opa, onActivated, onRefused, clock = Date.now } = deps;
  let active: Bundle | null = null;
  let activatedAt = 0;
  /** The sources that were last found to be good. */
  let good: Sources | null = null;
  let refused: PolicyStatus['refused'] = null;
  /** The identity of the refused sources, which are neither compiled nor reported again. */
  let refusedIdentity: string | null = null;
  let queue: Promise<void> = Promise.resolve();
  let compiler: Opa | null = null;
  let stopWatching = () => {};

  async function prepare(sources: Sources, recalled: Bundle | null): Promise<Bundle> {
    // The configuration may have changed since the policy was compiled.
    const stray = findStrayPackages(sources, target().systems);
    for (const known of [active, recalled]) {
      if (known?.sources !== sources.digest) continue;
      if (stray.length > 0) throw new PolicyError(stray);
      return known;
    }
    const shipped = await shippedBundle(sources);
    if (shipped) {
      load(shipped);
      return shipped;
    }
    compiler ??= await opa();
    const [compiled, tested] = await Promise.allSettled([
      compilePolicies(sources, compiler, target()),
      hasTests(sources) ? runTests(sources, compiler, load) : { passed: 0, failures: [] },
    ]);
    // In this order, because sources that do not compile also fail their tests, with a worse message.
    if (compiled.status === 'rejected') throw compiled.reason;
    load(compiled.value);
    if (tested.status === 'rejected') throw tested.reason;
    if (tested.value.failures.length > 0) throw new PolicyError(tested.value.failures);
    return compiled.value;
  }

  async function activate(bundle: Bundle): Promise<void> {
    await store.write(bundle);
    const changed = bundle.revision !== active?.revision;
    if (changed) {
      await store.activate(bundle.revision);
      activatedAt = clock();
    }
    active = bundle;
    if (changed) await onActivated(bundle);
  }

  /** The identity of the folder's sources; null when it cannot be read. */
  const lookAgain = (): Promise<string | null> =>
    readSources(dir).then(
      (sources) => sources.identity,
      () => null,
    );

  /**
   * Editors and `git` save in several steps. Waiting for them would delay every save, so the folder is read once more
   * when the outcome is known, and a newer version is judged instead. Only once: otherwise a folder that keeps changing
   * would never be activated.
   */
  async function update(recalled: Bundle | null, isLast = false): Promise<void> {
    let identity: string | null = null;
    const isOvertaken = async () => !isLast && (await lookAgain()) !== identity;
    try {
      const sources = await readSources(dir);
      identity = sources.identity;
      if (identity === refusedIdentity) return;
      if (sources.digest !== active?.sources) {
        const bundle = await prepare(sources, recalled);
        if (await isOvertaken()) return await update(recalled, true);
        await activate(bundle);
      }
      good = sources;
      refused = null;
      refusedIdentity = null;
    } catch (cause) {
      if (await isOvertaken()) return await update(recalled, true);
      refusedIdentity = identity;
      const reasons = cause instanceof PolicyError ? cause.problems : [(cause as Error).message];
      // An unreadable folder has no identity, so its repeated report is recognised by the reasons.
      if (refused?.reasons.join('\n') === reasons.join('\n')) return;
      refused = { at: clock(), reasons };
      onRefused(reasons);
    }
  }

  /** The bundle that was active when the gateway last ran. */
  async function recall(): Promise<Bundle | null> {
    const revision = await store.active();
    if (revision === null) return null;
    try {
      const bundle = await store.read(revision);
      load(bundle);
      return bundle;
    } catch {
      // Damaged, or made for another version of the gateway: the folder must do.
      return null;
    }
  }

  const refresh = (recalled: Bundle | null = null) => (queue = queue.then(() => update(recalled)));

  return {
    async start() {
      const recalled = await recall();
      await refresh(recalled);
      if (!active && recalled) await activate(recalled);
      if (!active) throw new PolicyError(refused?.reasons ?? ['no policy']);
      stopWatching = watchPolicies({
        dir,
        onChange: () => void refresh(),
        ...(deps.debounce === undefined ? {} : { debounce: deps.debounce }),
      });
    },
    refresh: () => refresh(),
    judgeAgain() {
      refusedIdentity = null;
      return refresh();
    },
    status: () => ({
      active: active && { revision: active.revision, activatedAt, rules: active.rules },
      refused,
    }),
    ruleText(revision, { file, line }) {
      const bytes = good?.files.get(file);
      const isActive = active?.revision === revision && active.sources === good?.digest;
      return isActive && bytes ? ruleText(textOf(bytes), line) : null;
    },
    stop: () => stopWatching(),
  };
}
