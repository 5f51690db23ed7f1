import type { Event } from './event.ts';

/** One call in a list of calls. */
export type CallSummary = {
  readonly call_id: string;
  /** RFC 3339. */
  readonly at: string;
  readonly agent: string;
  readonly owner: string;
  readonly on_behalf_of: readonly string[];
  readonly session: string;
  readonly task: string;
  readonly system: string;
  readonly operation: string;
  readonly method: string;
  readonly path: string;
  readonly resource: string;
  readonly verdict: string;
  readonly rules: readonly string[];
  readonly trigger: string;
  readonly reason: string;
  readonly policy_revision: string;
  readonly decision_id: string;
  readonly hold_id: string | null;
  /** Null until the call has completed. */
  readonly status: number | null;
  readonly code: string;
  readonly failure: string;
  readonly took_ms: number;
  readonly cost: number;
  readonly cost_unit: string;
  readonly trace_id: string;
};

/** Which calls are looked for: all that is given has to fit. */
export type CallFilter = {
  readonly agent?: string;
  readonly owner?: string;
  readonly on_behalf_of?: string;
  readonly system?: string;
  readonly operation?: string;
  readonly method?: string;
  /** What the path begins with. */
  readonly path?: string;
  readonly resource?: string;
  readonly verdict?: string;
  /** One of the rules that matched. */
  readonly rule?: string;
  readonly trigger?: string;
  readonly policy_revision?: string;
  readonly session?: string;
  readonly task?: string;
  readonly status?: number;
  readonly code?: string;
  readonly failure?: string;
  readonly hold_id?: string;
  readonly decision_id?: string;
  readonly trace_id?: string;
  readonly node?: string;
  /** Milliseconds since the epoch; `to` is excluded. */
  readonly from?: number;
  readonly to?: number;
  /** Stands in the reason of the decision, or in what a person said of the call; case does not matter. */
  readonly text?: string;
};

/**
 * Where an answer comes from: the `record` in ClickHouse, or, while that is away, the `journal`: what this gateway has
 * not delivered yet, and nothing from before.
 */
export type CallSource = 'record' | 'journal';

export type CallPage = {
  readonly items: readonly CallSummary[];
  /** `cursor` of the next page, or null. */
  readonly next: string | null;
  /**
   * RFC 3339: calls before this were not looked at, as that would have taken too long; the next page goes on there. Null
   * when nothing was left out.
   */
  readonly searched_since: string | null;
  readonly source: CallSource;
};

/** Everything that is known of one call. */
export type CallStory = {
  readonly call: CallSummary | null;
  /** Every step, in order. */
  readonly events: readonly Event[];
  readonly source: CallSource;
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
  /**
   * Newest first; `cursor` is an earlier answer's `next`.
   * @throws when neither the record nor the journals can be read
   */
  search(filter: CallFilter, page: { readonly cursor?: string; readonly limit: number }): Promise<CallPage>;
  /** Null when there is no such call. From the journal alone that cannot be known, so then it throws instead. */
  story(callId: string): Promise<CallStory | null>;
  /** Of the last 30 days, without the call `except` itself. Gives up when `signal` aborts. */
  history(
    of: { agent: string; system: string; operation: string; except: string },
    signal: AbortSignal,
  ): Promise<CallHistory>;
};
