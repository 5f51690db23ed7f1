/** Which layer of the work an event belongs to: people and policy decide, agents execute, systems record. */
export type Layer = 'decide' | 'execute' | 'record';

export type EventType =
  | 'call.decided'
  | 'call.completed'
  | 'call.refused'
  | 'hold.opened'
  | 'hold.attached'
  | 'hold.claimed'
  | 'hold.unclaimed'
  | 'hold.noted'
  | 'hold.voted'
  | 'hold.edited'
  | 'hold.approved'
  | 'hold.rejected'
  | 'hold.taken-over'
  | 'hold.outcome'
  | 'hold.answered'
  | 'hold.accepted'
  | 'hold.returned'
  | 'hold.escalated'
  | 'hold.reminded'
  | 'hold.expired'
  | 'hold.cancelled'
  | 'hold.superseded'
  | 'hold.reopened'
  | 'hold.lapsed'
  | 'hold.released'
  | 'hold.executed'
  | 'hold.failed'
  | 'hold.indeterminate'
  | 'hold.confirmed'
  | 'grant.created'
  | 'grant.used'
  | 'grant.revoked'
  | 'delegation.created'
  | 'delegation.ended'
  | 'suspension.created'
  | 'suspension.ended'
  | 'notice.dead'
  | 'policy.activated'
  | 'policy.refused';

/**
 * One step of the ledger, in the shape of the ClickHouse table `holdpoint.events`. A member that is absent takes the
 * column's default. Members never hold credentials, request bodies or query strings.
 */
export type Event = {
  event_id: string;
  /** Milliseconds since the epoch. */
  at: number;
  node: string;
  type: EventType;
  layer: Layer;
  decision_id?: string;
  call_id?: string;
  hold_id?: string;
  agent?: string;
  owner?: string;
  on_behalf_of?: readonly string[];
  session?: string;
  task?: string;
  system?: string;
  operation?: string;
  method?: string;
  path?: string;
  resource?: string;
  verdict?: 'allow' | 'hold' | 'block';
  /** Ids of the rules that matched, as `<package>/<name>`. */
  rules?: readonly string[];
  trigger?: 'rule' | 'probabilistic' | 'default' | 'fault';
  reason?: string;
  policy_revision?: string;
  /** Who took the step: a reviewer, an agent, or the gateway itself. */
  actor?: string;
  actor_kind?: 'agent' | 'reviewer' | 'gateway';
  channel?: string;
  /** HTTP status that the agent was given, or that the upstream gave where the step is the upstream's. */
  status?: number;
  /** A stable code: a problem's, or a reviewer's reason for rejecting. */
  code?: string;
  decide_us?: number;
  upstream_ms?: number;
  held_ms?: number;
  request_bytes?: number;
  response_bytes?: number;
  confidence?: number;
  flags?: readonly string[];
  trace_id?: string;
};

/** The durable local log between this process and ClickHouse. */
export type Journal = {
  /**
   * Takes one event; its bytes reach the disk with the next group commit, at the latest 100 ms from now.
   * @throws Problem `journal-unavailable` when there is no room or the disk failed; then nothing was taken.
   */
  append(event: Event): void;
  /** Resolves when everything appended before this call is durable; rejects with Problem `journal-unavailable` when it cannot be. */
  flushed(): Promise<void>;
  /** Flushes, seals the open segment and refuses further events. */
  close(): Promise<void>;
};

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
