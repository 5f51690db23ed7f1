/** One call as the list of recent calls shows it. */
export type CallSummary = {
  readonly call_id: string;
  readonly at: string;
  readonly agent: string;
  readonly owner: string;
  readonly system: string;
  readonly operation: string;
  readonly method: string;
  readonly path: string;
  readonly verdict: string;
  readonly rules: readonly string[];
  readonly reason: string;
  readonly policy_revision: string;
  readonly decision_id: string;
  readonly hold_id: string | null;
  /** Null until the call has completed. */
  readonly status: number | null;
};

/** What is known of calls like one that waits for people. */
export type CallHistory = {
  /** Calls of this operation by this agent within the last 30 days. */
  readonly similar_30d: number;
  /** Of those on which people decided, the share (0 to 1) that they approved as it was; null when there were none. */
  readonly approved_unchanged_rate: number | null;
  /** The agent's last calls, newest first. */
  readonly recent_calls: readonly CallSummary[];
};

/** What the record can be asked. */
export type CallLog = {
  /** Newest first; `cursor` is an earlier answer's `next`. */
  recent(filter: {
    agent?: string;
    system?: string;
    verdict?: string;
    cursor?: string;
    limit: number;
  }): Promise<{ items: CallSummary[]; next: string | null }>;
  /** Of the last 30 days, without the call `except` itself. Gives up when `signal` aborts. */
  history(
    of: { agent: string; system: string; operation: string; except: string },
    signal: AbortSignal,
  ): Promise<CallHistory>;
};
