import type { Call } from './call.ts';
import type { Cost } from './cost.ts';
import type { Decision } from './decision.ts';

/**
 * The windows of `input.usage`: what an agent, owner or operation used within the last minute, hour and day; and of
 * `input.action.repeat`: how often one call was sent within the last hour, to the second. A window slides by whole
 * buckets. The oldest bucket counts whole, so a window never covers less than its span.
 */
export const USAGE_WINDOWS = {
  minute: { span: 60_000, bucket: 5_000 },
  hour: { span: 3_600_000, bucket: 60_000 },
  day: { span: 86_400_000, bucket: 900_000 },
  repeat: { span: 3_600_000, bucket: 1_000 },
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

/** The store where processes and gateways add up their counts. */
export type UsageStore = {
  /** Adds all counts or none. After an unknown commit, adding again counts twice. */
  add(counts: readonly UsageCount[]): Promise<void>;
  /**
   * Totals of all buckets that changed since `since` (milliseconds by the store's clock; 0 for all). `at` is the
   * `since` of the next call. A bucket may be returned twice, but no change is missed.
   */
  totals(since: number): Promise<{ readonly counts: readonly UsageCount[]; readonly at: number }>;
};

/** Counts every call. */
export type UsageMeter = {
  /** Policy decided. The expected cost counts from now on, so that concurrent calls cannot overdraw a budget. */
  decided(call: Call, decision: Decision): void;
  /** The call ended. `cost` is its actual cost; null if it was not sent, or is free. */
  completed(call: Call, decision: Decision, cost: Cost | null): void;
};

/** The agent, owner and operation that a call counts for. */
export type Spender = {
  readonly agent: string;
  readonly owner: string;
  readonly system: string;
  readonly operation: string;
};
