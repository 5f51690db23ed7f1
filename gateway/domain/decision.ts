import type { Cost } from './cost.ts';

export type Verdict = 'allow' | 'hold' | 'block';

/** What made a rule match: facts of the call, or somebody's estimate (a confidence, an anomaly score). */
export type Trigger = 'rule' | 'probabilistic';

/** One Rego rule that matched. `id` is `<package>/<name>`, such as `rules.payments/refund-over-limit`. */
export type MatchedRule = {
  readonly id: string;
  readonly verdict: Verdict;
  readonly reason: string | null;
  readonly trigger: Trigger;
};

/** Something the gateway must do with an allowed call. One that is unknown or fails blocks the call. */
export type Obligation = { readonly type: string; readonly [parameter: string]: unknown };

/** 2: a person approves; 3: a person takes over. (1 is allow and 4 is block.) */
export type HoldLevel = 2 | 3;

/** How many different people of some groups have to approve, and who joins them when they do not decide in time. */
export type Requirement = {
  /** Groups whose members count. Empty: any reviewer. */
  readonly groups: readonly string[];
  readonly quorum: number;
  /** From `after` milliseconds on, members of the groups `to` count too. In order of time. */
  readonly escalate: readonly { readonly after: number; readonly to: readonly string[] }[];
};

/** Under which terms a call is held. Durations are milliseconds. */
export type HoldTerms = {
  readonly level: HoldLevel;
  /** What each rule asks for; all of it has to be met. One person counts once for each. */
  readonly requirements: readonly Requirement[];
  readonly expiresIn: number;
  /** The service level: how soon people ought to decide. */
  readonly respondWithin: number;
  /** What expiry does, the first time: end the hold, or go to everybody in the chains and wait once more. */
  readonly onExpiry: 'block' | 'escalate';
  /** JSON pointers (RFC 6901) into the body that a reviewer may change. */
  readonly editable: readonly string[];
  readonly ownerMayApprove: boolean;
  /** Whether what the call does can be undone, in the policy's own word; null when it does not say. */
  readonly reversible: boolean | null;
};

export type Decision = {
  readonly id: string;
  readonly verdict: Verdict;
  /** Every rule that matched, those of the winning verdict first. */
  readonly rules: readonly MatchedRule[];
  /** Why, in the words of the winning rule: shown to agents and reviewers. */
  readonly reason: string;
  readonly obligations: readonly Obligation[];
  /** Groups to be told at once that the call was blocked (level 4). */
  readonly alert: readonly string[];
  /** Present exactly when the verdict is hold. */
  readonly terms: HoldTerms | null;
  /** What policy says that the call costs, known before it is sent; null when it does not say, and for a block. */
  readonly cost: Cost | null;
  /** The hash of the bundle that decided; empty when no bundle could. */
  readonly policyRevision: string;
  /** Set when the policy itself failed, so that the record can tell a bad policy from a bad call. For the log, not the agent. */
  readonly fault: string | null;
  /** Microseconds spent deciding. */
  readonly decideMicros: number;
};

/** A call that any plain rule stops is stopped by a rule, whatever was estimated beside it. */
export function triggerOf(rules: readonly MatchedRule[], verdict: Verdict): Trigger {
  const deciding = rules.filter((rule) => rule.verdict === verdict);
  return deciding.length > 0 && deciding.every((rule) => rule.trigger === 'probabilistic') ? 'probabilistic' : 'rule';
}
