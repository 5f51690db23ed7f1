import type { Cost } from './cost.ts';
import type { OpenPlace } from './open-place.ts';

export type Verdict = 'allow' | 'hold' | 'block';

/** What made a rule match: facts of the call, or an estimate (a confidence, an anomaly score). */
export type Trigger = 'rule' | 'probabilistic';

/** Stands for the rule when a call is blocked because no rule covers it. */
export const NO_RULE = 'holdpoint/default';

/** Where a policy defines a rule. */
export type RulePlace = {
  /** Relative to the policy folder. */
  readonly file: string;
  readonly line: number;
};

/** One Rego rule that matched. `id` is `<package>/<name>`, such as `rules.payments/refund-over-limit`. */
export type MatchedRule = {
  readonly id: string;
  readonly verdict: Verdict;
  readonly reason: string | null;
  readonly trigger: Trigger;
  /**
   * Every place that defines a rule of this name and verdict, or could: for reviewers, authors and the record, not for
   * agents. Absent if it is not known.
   */
  readonly places?: readonly RulePlace[];
};

/** Something the gateway must do with an allowed call. An unknown or failing obligation blocks the call. */
export type Obligation = { readonly type: string; readonly [parameter: string]: unknown };

/** 2: a person approves; 3: a person takes over. (1 is allow and 4 is block.) */
export type HoldLevel = 2 | 3;

/** How many members of some groups must approve, and which groups join them if they do not decide in time. */
export type Requirement = {
  /** Groups whose members count. Empty: any reviewer. */
  readonly groups: readonly string[];
  readonly quorum: number;
  /** After `after` milliseconds, members of the groups `to` count too. In order of time. */
  readonly escalate: readonly { readonly after: number; readonly to: readonly string[] }[];
};

/** The terms of a hold. Durations are milliseconds. */
export type HoldTerms = {
  readonly level: HoldLevel;
  /** All must be met. One reviewer counts once for each. */
  readonly requirements: readonly Requirement[];
  readonly expiresIn: number;
  /** The service level: how soon reviewers should decide. */
  readonly respondWithin: number;
  /** What the first expiry does: end the hold, or ask every group in the escalation chains and wait once more. */
  readonly onExpiry: 'block' | 'escalate';
  /** JSON pointers (RFC 6901) into the body that a reviewer may change. */
  readonly editable: readonly string[];
  /** What an approval may leave open for further calls besides the editable places; absent if policy names none. */
  readonly open?: readonly OpenPlace[];
  readonly ownerMayApprove: boolean;
  /** For how long a rejection answers identical calls; absent if policy does not say. */
  readonly rejectionStands?: number;
  /** Whether the call's effect can be undone, according to policy; null if policy does not say. */
  readonly reversible: boolean | null;
};

export type Decision = {
  readonly id: string;
  readonly verdict: Verdict;
  /** Every rule that matched; the rules of the winning verdict come first. */
  readonly rules: readonly MatchedRule[];
  /** The winning rule's reason, shown to agents and reviewers. */
  readonly reason: string;
  readonly obligations: readonly Obligation[];
  /** Groups to notify at once of a blocked call (level 4). */
  readonly alert: readonly string[];
  /** Set if and only if the verdict is hold. */
  readonly terms: HoldTerms | null;
  /** The call's cost according to policy, before it is sent; null if policy does not say, or blocks. */
  readonly cost: Cost | null;
  /** The hash of the bundle that decided; empty if no bundle could. */
  readonly policyRevision: string;
  /** Set if the policy itself failed, which tells a bad policy from a bad call. For the log, not the agent. */
  readonly fault: string | null;
  /** Microseconds spent deciding. */
  readonly decideMicros: number;
};

/** The rules that gave the verdict. Others may have matched: an allow rule of a held call, for example. */
export function rulesOf(verdict: Verdict, rules: readonly MatchedRule[]): readonly MatchedRule[] {
  return rules.filter((rule) => rule.verdict === verdict);
}

/** The verdict of each rule, in their order; undefined where all gave the one that counts. */
export function ruleVerdicts(rules: readonly MatchedRule[], verdict: Verdict): readonly Verdict[] | undefined {
  return rules.every((rule) => rule.verdict === verdict) ? undefined : rules.map((rule) => rule.verdict);
}

/** Probabilistic only if every deciding rule is: one plain rule is enough to stop the call. */
export function triggerOf(rules: readonly MatchedRule[], verdict: Verdict): Trigger {
  const deciding = rulesOf(verdict, rules);
  return deciding.length > 0 && deciding.every((rule) => rule.trigger === 'probabilistic') ? 'probabilistic' : 'rule';
}
