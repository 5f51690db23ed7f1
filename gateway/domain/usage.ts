import type { Call } from './call.ts';
import type { Cost } from './cost.ts';
import type { Decision } from './decision.ts';

/**
 * What policies can ask about the past, as `input.usage`: how much somebody did within the last minute, hour and day.
 * A window slides by its buckets, and the oldest bucket counts whole, so it never covers less than it says.
 */
export const USAGE_WINDOWS = {
  minute: { span: 60_000, bucket: 5_000 },
  hour: { span: 3_600_000, bucket: 60_000 },
  day: { span: 86_400_000, bucket: 900_000 },
} as const satisfies Readonly<Record<string, { readonly span: number; readonly bucket: number }>>;

export type UsageWindow = keyof typeof USAGE_WINDOWS;

/** What is counted. Costs are counted for each unit by itself. */
export type UsageMeasure = 'calls' | 'blocked' | 'held' | `cost:${string}`;

/** So much of a measure fell into one bucket of a subject. */
export type UsageCount = {
  /** Whose: `agent:<id>`, `owner:<person>` or `operation:<system>/<operation>`. */
  readonly subject: string;
  readonly window: UsageWindow;
  /** When the bucket begins, milliseconds since the epoch. */
  readonly bucket: number;
  readonly measure: UsageMeasure;
  readonly amount: number;
};

/** Where processes and gateways add up what each has counted. */
export type UsageStore = {
  /** Adds to what is there, all or nothing. When it is not known whether it was committed, adding again counts twice. */
  add(counts: readonly UsageCount[]): Promise<void>;
  /**
   * Totals of all buckets that somebody added to since `since`, in milliseconds by the store's clock; 0 for all. `at` is
   * what the next call starts from: some are told twice rather than one never.
   */
  totals(since: number): Promise<{ readonly counts: readonly UsageCount[]; readonly at: number }>;
};

/** Told of every call as it goes. */
export type UsageMeter = {
  /** Policy decided. What it says that the call costs counts from now on, so that many at once cannot overdraw a budget. */
  decided(call: Call, decision: Decision): void;
  /** The call has ended: `cost` is what it cost in fact; null when it was not sent, or costs nothing. */
  completed(call: Call, decision: Decision, cost: Cost | null): void;
};

/** Whose usage a call counts for. */
export type Spender = {
  readonly agent: string;
  readonly owner: string;
  readonly system: string;
  readonly operation: string;
};
