import type { Call } from './call.ts';
import type { Cost } from './cost.ts';
import type { Decision } from './decision.ts';
import type { HeldCall } from './hold.ts';

/**
 * The windows of `input.usage`: what an agent, owner or operation used within the last minute, hour and day; and of
 * `input.action.repeat`: how often one call was sent within the last hour, to the second. `largest` is no sum: the
 * largest cost that answers of an operation named within the last day. A window slides by whole buckets. The oldest
 * bucket counts whole, so a window never covers less than its span.
 */
export const USAGE_WINDOWS = {
  minute: { span: 60_000, bucket: 5_000 },
  hour: { span: 3_600_000, bucket: 60_000 },
  day: { span: 86_400_000, bucket: 900_000 },
  repeat: { span: 3_600_000, bucket: 1_000 },
  largest: { span: 86_400_000, bucket: 900_000 },
} as const satisfies Readonly<Record<string, { readonly span: number; readonly bucket: number }>>;

export type UsageWindow = keyof typeof USAGE_WINDOWS;

/** What is counted. Each cost unit is a measure of its own. */
export type UsageMeasure = 'calls' | 'blocked' | 'held' | `cost:${string}`;

/** The amount of one measure in one bucket of one subject. */
export type UsageCount = {
  /** `agent:<id>`, `owner:<person>`, `operation:<system>/<operation>` or `call:<digest>`. */
  readonly subject: string;
  readonly window: UsageWindow;
  /** The start of the bucket, in milliseconds since the epoch. */
  readonly bucket: number;
  readonly measure: UsageMeasure;
  readonly amount: number;
};

/** What one agent used within the last day, as `input.usage.agent.day` has it. `cost` is by unit. */
export type DayUsage = {
  readonly calls: number;
  readonly blocked: number;
  readonly held: number;
  readonly cost: Readonly<Record<string, number>>;
};

/** The store where processes and gateways add up their counts. */
export type UsageStore = {
  /**
   * Calls `work` once, with the totals of all buckets that changed since `since`, and adds the counts that it returns:
   * all or none. Of exchanges on one store, only one is between its beginning and its commit at a time. `work` must be
   * quick, as all others wait. Resolves with the `since` of the next call.
   *
   * If it rejects after it has called `work`, it may have committed all the same.
   */
  exchange(since: number, work: (totals: readonly UsageCount[]) => readonly UsageCount[]): Promise<number>;
  /**
   * Totals of all buckets that changed since `since`, a number of the store; 0 for all. `at` is the `since` of the next
   * call. A bucket may be returned twice, but no change is missed.
   */
  totals(since: number): Promise<{ readonly counts: readonly UsageCount[]; readonly at: number }>;
};

/** Follows every call. What it may cost was counted when policy decided. */
export type UsageMeter = {
  /** The decision is recorded: from now on the call counts as sent. */
  decided(call: Call, decision: Decision): void;
  /** The call ended. `cost` is its actual cost; null if it was not sent, or is free. */
  completed(call: Call, cost: Cost | null): void;
};

/**
 * Judges a held call again before it is sent. If the decision can depend on usage, no other process decides at the same
 * time, and what the call may cost is counted before the next call is judged.
 * @throws Problem `store-unavailable` if the call would be sent by counts that may be old
 */
export type JudgeAgain = (
  held: Pick<HeldCall, 'input' | 'otherReadings'> & {
    /** Tells which calls are identical; null for a call that was sent already. */
    readonly digest: string | null;
    /** Whether the call is sent after this decision. */
    readonly isSent: (decision: Decision) => boolean;
  },
) => Promise<JudgedAgain>;

export type JudgedAgain = {
  readonly decision: Decision;
  /** The input that policy judged. */
  readonly input: string;
  /** Replaces what was counted by what the call cost; null if it was not sent, or is free. Only the first time counts. */
  settle(cost: Cost | null): void;
};

/** The agent, owner and operation that a call counts for. */
export type Spender = {
  readonly agent: string;
  readonly owner: string;
  readonly system: string;
  readonly operation: string;
};
