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

/** A search for calls. A call must match every member that is given. */
export type CallFilter = {
  readonly agent?: string;
  readonly owner?: string;
  readonly on_behalf_of?: string;
  readonly system?: string;
  readonly operation?: string;
  readonly method?: string;
  /** A prefix of the path. */
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
  /** Text in the decision's reason or in a person's note, in any case. */
  readonly text?: string;
};

/**
 * The source of an answer: the `record` in ClickHouse or, while ClickHouse is unavailable, the `journal`, which has
 * only the events that this gateway has not delivered yet.
 */
export type CallSource = 'record' | 'journal';

export type CallPage = {
  readonly items: readonly CallSummary[];
  /** The `cursor` of the next page, or null. */
  readonly next: string | null;
  /**
   * RFC 3339: calls before this time were not searched, as that would have taken too long. The next page continues
   * there. Null if the search is complete.
   */
  readonly searched_since: string | null;
  readonly source: CallSource;
};

/** All events of one call. */
export type CallStory = {
  readonly call: CallSummary | null;
  /** Every event, in order. */
  readonly events: readonly Event[];
  /** Where these events stand in the ledger, in the same order. Empty while only the journal can be read. */
  readonly places: readonly LedgerPlace[];
  readonly source: CallSource;
};

/** The place of an event in the ledger. */
export type LedgerPlace = {
  readonly event_id: string;
  readonly chain: string;
  /** Its number in the chain. */
  readonly seq: number;
  /** The first 8 hex digits of the SHA-256 of its number and line. */
  readonly hash: string;
  /** The signed checkpoint that covers it; null until there is one, which takes about a minute. */
  readonly checkpoint: {
    /** The numbers that it covers. */
    readonly first: number;
    readonly last: number;
    /** Hex SHA-256 over the events that it covers and the checkpoint before. */
    readonly hash: string;
    /** The key that signed it, as `audit verify` names it. */
    readonly key: string;
    /** RFC 3339. */
    readonly at: string;
  } | null;
};

/** Past calls similar to a held one. */
export type CallHistory = {
  /** The agent's calls of this operation within the last 30 days. */
  readonly similar_30d: number;
  /** The share (0 to 1) of these that reviewers approved unchanged, of all they decided; null if they decided none. */
  readonly approved_unchanged_rate: number | null;
  /** The agent's last calls, newest first. */
  readonly recent_calls: readonly CallSummary[];
};

/** Queries on recorded calls. */
export type CallLog = {
  /**
   * Newest first. `cursor` is the `next` of an earlier page.
   * @throws if neither the record nor the journals can be read
   */
  search(filter: CallFilter, page: { readonly cursor?: string; readonly limit: number }): Promise<CallPage>;
  /** Null if there is no such call. Throws instead when only the journal can be read, which cannot prove that. */
  story(callId: string): Promise<CallStory | null>;
  /** The last 30 days, without the call `except`. Stops when `signal` aborts. */
  history(
    of: { agent: string; system: string; operation: string; except: string },
    signal: AbortSignal,
  ): Promise<CallHistory>;
};
