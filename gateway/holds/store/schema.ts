/** The tables as Kysely sees them. Times are milliseconds since the epoch; truth values are 0 and 1. */
export type Schema = {
  /** SQLite alone: the highest change so far. PostgreSQL has a sequence of its own for that. */
  sequence: { id: 1; value: number };
  holds: HoldRow;
  /** Encrypted content of a hold: the held call per revision, the upstream's answer, a handoff, its artifacts and answer. */
  sealed: { hold_id: string; kind: string; revision: number; content: Uint8Array };
  outbox: { seq: number; event: string };
  /** `document` is the grant; `used` counts up by compare-and-swap. */
  grants: {
    id: string;
    agent: string;
    system: string;
    operation: string;
    hold_id: string;
    used: number;
    uses: number;
    until: number;
    revoked_at: number | null;
    document: string;
  };
  suspensions: {
    kind: string;
    name: string;
    by_whom: string;
    channel: string;
    reason: string | null;
    at: number;
    /** Of the stop of everything: who has asked to lift it, where two people have to. */
    lift_by: string | null;
  };
  delegations: {
    id: string;
    from_person: string;
    to_person: string;
    since: number;
    until: number;
    created_at: number;
    ended_at: number | null;
  };
  notices: {
    id: string;
    /** One notification for each key, ever; null where repetition does not matter. */
    unique_key: string | null;
    kind: string;
    hold_id: string | null;
    channel: string;
    recipient: string | null;
    payload: string;
    created_at: number;
    attempts: number;
    error: string | null;
    next_at: number | null;
    state: string;
    /** 1: mail that is needed only if nobody reacts to the chat message about the same. */
    if_unanswered: 0 | 1;
    receipt: string | null;
    /** The digest of which it is a part. */
    digest_id: string | null;
  };
  /** `document` is a person's `Preferences`. */
  preferences: { person: string; changed_at: number; document: string };
  /** `document` is the session; the other columns exist to find it by. */
  sessions: {
    id: string;
    /** Lowercase hex SHA-256 of what the browser keeps. */
    secret_hash: string;
    /** The one-time link that was used for it: each is used once, ever. */
    link: string | null;
    reviewer: string;
    last_seen_at: number;
    expires_at: number;
    ended_at: number | null;
    document: string;
  };
  /** Processes that send allowed calls, and which holds each has heard of; see `SenderStore`. */
  senders: { sender: string; ended_at: number | null };
  heard: { hold_id: string; sender: string };
  /** Runs of gateways, so that others can tell which of them died. */
  runs: { run: string; seen_at: number };
  /** PostgreSQL alone, where gateways share the outbox: what `OutboxDelivery` keeps. */
  delivery: { id: 1; home: string; version: number; state: string | null };
  /** What was used in each bucket of a sliding window; see `UsageCount`. */
  usage: { subject: string; span: string; bucket: number; measure: string; amount: number; change: number };
  /** The number of the last change of `usage`. Whoever writes there locks it. */
  usage_changes: { id: 1; value: number };
  /** Every definition of every tool that a server listed; the newest is the one that was seen last. */
  tools: { system: string; name: string; digest: string; text: string; seen_at: number };
  /** Tasks that are no holds; `content` is sealed, and null while the call runs. */
  tasks: { id: string; content: Uint8Array | null; changed_at: number };
  schema_version: { version: number };
};

/** `document` is the hold; the other columns exist to find it by. */
export type HoldRow = {
  id: string;
  version: number;
  change: number;
  changed_at: number;
  kind: string;
  status: string;
  execution: string;
  /** 1 while an identical call belongs to this hold. */
  open: 0 | 1;
  agent: string;
  system: string;
  /** What the agent sent: its identical retries are found by it. An edit does not change it. */
  digest: string;
  idempotency_key: string | null;
  has_handle: 0 | 1;
  /** Names of the groups that may decide, each between bars: `|finance|leads|`. */
  group_names: string;
  assignee: string | null;
  lease_by: string | null;
  to_agent: string | null;
  sla_at: number;
  /** When the next timer is due, whichever it is; null when none is. */
  due_at: number | null;
  /** When people see the clock run out: see `decideBy`. Null when they need not decide. */
  decide_by: number | null;
  decided_at: number | null;
  settled_at: number | null;
  trace_id: string | null;
  document: string;
};
