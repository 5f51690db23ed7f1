export type Verdict = 'allow' | 'hold' | 'block';

/** One Rego rule that matched. `id` is `<package>/<name>`, such as `rules.payments/refund-over-limit`. */
export type MatchedRule = {
  readonly id: string;
  readonly verdict: Verdict;
  readonly reason: string | null;
};

/** Something the gateway must do with an allowed call. One that is unknown or fails blocks the call. */
export type Obligation = { readonly type: string; readonly [parameter: string]: unknown };

/** 2: a person approves; 3: a person takes over. (1 is allow and 4 is block.) */
export type HoldLevel = 2 | 3;

/** Under which terms a call is held. Durations are milliseconds. */
export type HoldTerms = {
  readonly level: HoldLevel;
  /** Groups whose members may decide. Empty: any reviewer. */
  readonly reviewers: readonly string[];
  /** How many different people must approve. */
  readonly quorum: number;
  readonly expiresIn: number;
  readonly escalate: readonly { readonly after: number; readonly to: readonly string[] }[];
  /** JSON pointers (RFC 6901) into the body that a reviewer may change. */
  readonly editable: readonly string[];
  readonly ownerMayApprove: boolean;
};

export type Decision = {
  readonly id: string;
  readonly verdict: Verdict;
  /** Every rule that matched, those of the winning verdict first. */
  readonly rules: readonly MatchedRule[];
  /** Why, in the words of the winning rule: shown to agents and reviewers. */
  readonly reason: string;
  readonly obligations: readonly Obligation[];
  /** Present exactly when the verdict is hold. */
  readonly terms: HoldTerms | null;
  /** The hash of the bundle that decided; empty when no bundle could. */
  readonly policyRevision: string;
  /** Set when the policy itself failed, so that the record can tell a bad policy from a bad call. For the log, not the agent. */
  readonly fault: string | null;
  /** Microseconds spent deciding. */
  readonly decideMicros: number;
};
