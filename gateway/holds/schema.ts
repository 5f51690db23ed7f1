/** The tables as Kysely sees them. Times are milliseconds since the epoch; truth values are 0 and 1. */
export type Schema = {
  /** One row: the highest change so far. Taken first in each writing transaction, so changes commit in its order. */
  sequence: { id: 1; value: number };
  holds: HoldRow;
  /** The groups that a hold is routed to, for the list's filter. */
  hold_groups: { hold_id: string; group_name: string };
  /** Encrypted content: the held call per revision, the upstream's answer. */
  sealed: { hold_id: string; kind: string; revision: number; content: Uint8Array };
  outbox: { seq: number; event: string };
  schema_version: { version: number };
};

/** `document` is the hold; the other columns exist to find it by. */
export type HoldRow = {
  id: string;
  version: number;
  change: number;
  status: string;
  execution: string;
  /** 1 while an identical call belongs to this hold. */
  open: 0 | 1;
  agent: string;
  system: string;
  digest: string;
  idempotency_key: string | null;
  has_handle: 0 | 1;
  expires_at: number;
  redeem_by: number | null;
  decided_at: number | null;
  settled_at: number | null;
  trace_id: string | null;
  document: string;
};
