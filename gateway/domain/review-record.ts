import type { Event } from './event.ts';

/** What the record says of decisions, for the people who decide. Each method asks ClickHouse once, and stops when `signal` aborts. */
export type ReviewRecord = {
  /** Every recorded step of one hold, in order; the last second may be missing. */
  steps(
    of: { readonly hold: string; readonly agent: string; readonly system: string; readonly call: string },
    signal: AbortSignal,
  ): Promise<readonly Event[]>;
  /** How people decided on holds like one, within the last 30 days. */
  numbers(of: NumbersOf, signal: AbortSignal): Promise<HoldNumbers>;
  /** How one person decided within the last 30 days. */
  own(reviewer: string, signal: AbortSignal): Promise<OwnNumbers>;
};

export type NumbersOf = {
  /** This hold does not count. */
  readonly hold: string;
  readonly agent: string;
  readonly system: string;
  readonly operation: string;
  /** `<package>/<name>`; empty for none. */
  readonly rule: string;
};

/**
 * Only decisions of people count, not approvals by a grant. `unchanged` are those approved as the agent sent the call.
 */
export type HoldNumbers = {
  readonly similar: {
    readonly decided: number;
    readonly unchanged: number;
    /** The last five, newest first. */
    readonly last: readonly PastDecision[];
  };
  readonly agent: { readonly decided: number; readonly unchanged: number };
  readonly rule: { readonly hits: number; readonly decided: number; readonly approved: number };
};

export type PastDecision = {
  readonly hold: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly by: string;
  /** Milliseconds from the opening of the hold to the decision. */
  readonly took: number;
  readonly result: 'approved' | 'edited' | 'rejected' | 'taken-over';
};

export type OwnNumbers = {
  readonly decisions: number;
  readonly unchanged: number;
  /** Approvals within five seconds after the hold was opened. */
  readonly underFiveSeconds: number;
  /** Milliseconds from the opening of the hold to the decision; null without decisions. */
  readonly median: number | null;
};
