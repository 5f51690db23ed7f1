import type { Artifact, Handoff } from './handoff.ts';
import type { CallHold, HandoffHold, HeldCall, Hold, HoldKind, HoldStatus } from './hold.ts';
import type { HoldCommand, HoldRefusal } from './hold-command.ts';

/** What opens a hold on a call. */
export type HoldDraft = Pick<
  CallHold,
  | 'principal'
  | 'callId'
  | 'decisionId'
  | 'system'
  | 'operation'
  | 'method'
  | 'path'
  | 'onRecord'
  | 'upstream'
  | 'digest'
  | 'envelope'
  | 'idempotencyKey'
  | 'rules'
  | 'trigger'
  | 'reason'
  | 'policyRevision'
  | 'terms'
  | 'cost'
  | 'claims'
  | 'handle'
  | 'mcp'
> & {
  readonly call: HeldCall;
  readonly traceId: string | null;
  /** The digest of the call in holds that earlier versions stored; they are found by it too. */
  readonly earlierDigest?: string;
};

/** What opens an exception or a relay. */
export type HandoffDraft = Pick<
  HandoffHold,
  'kind' | 'principal' | 'decisionId' | 'idempotencyKey' | 'terms' | 'claims' | 'to'
> & {
  /** Of what was sent, hex; identical retries are known by it. */
  readonly digest: string;
  /** The gateway's words for what is asked. */
  readonly reason: string;
  readonly form: Handoff;
  readonly artifacts: readonly Artifact[];
  readonly traceId: string | null;
};

export type HoldFilter = {
  readonly status?: HoldStatus;
  readonly kind?: HoldKind;
  readonly system?: string;
  readonly agent?: string;
  readonly group?: string;
  /** Only what is assigned to or claimed by this person, or by a person for whom this one stands in now. */
  readonly mine?: string;
  /** Only relays for this agent. */
  readonly toAgent?: string;
  /** Only what is undecided past its `slaAt`. */
  readonly overdue?: boolean;
  /** `due`: only what waits for people, what the clock ends first before the rest. */
  readonly order?: 'newest' | 'due';
  readonly cursor?: string;
  readonly limit: number;
};

/** Where holds live. Every change is one transaction that writes its events and notifications too. */
export type HoldStore = {
  /**
   * Commits a new hold, or finds the one that this call already has: the same `Idempotency-Key` or, while it is open,
   * the same digest by the same agent. Not-yet-redeemed approvals count as open, and so do unknown outcomes, and ends
   * that are owed: `sender` then tells this caller. Waits while another caller is being told. A hold that a grant covers
   * is approved in the same transaction.
   * @throws Problem `release-pending` when that takes too long, `key-reused` for the same key with another digest, `suspended` when the agent or the system is,
   *   `store-unavailable` when nothing can be stored.
   * @param sender the process that opens it, if it sends calls: from now on it sends no twin of this one
   */
  open(draft: HoldDraft, sender?: string): Promise<{ hold: CallHold; attached: boolean }>;
  /** The same for a question or a relay. @throws as `open` */
  openHandoff(draft: HandoffDraft): Promise<{ hold: Hold; attached: boolean }>;
  find(id: string): Promise<Hold | null>;
  /** Newest first, or as `order` says; `next` is the cursor that goes on from here. */
  list(filter: HoldFilter): Promise<{ items: Hold[]; next: string | null }>;
  /** Carries out one command against the newest version, or says why not. Retries lost compare-and-swaps. */
  apply(id: string, command: HoldCommand): Promise<Hold | HoldRefusal>;
  /**
   * Why `apply` would refuse the command now; null when it would not. A hold past its deadline is settled first, as `apply`
   * does: that it is too late is told only once it is committed.
   */
  foresee(id: string, command: HoldCommand): Promise<HoldRefusal | null>;
  /**
   * Calls back with every hold that any process changed, soon after its commit; more than once where that cannot be told
   * apart. Returns how to stop.
   */
  watch(changed: (hold: Hold) => void): () => void;
  /** Resolves when every watcher knows what was committed before this call. */
  refresh(): Promise<void>;
  /** Holds that changed at `since` (milliseconds since the epoch) or later, oldest change first: at most `limit`. */
  changedSince(since: number, limit: number): Promise<Hold[]>;
  /** Holds on which a timer is due: see `dueCommand`. */
  due(now: number): Promise<Hold[]>;
  /** Approved holds with a handle that wait to be released, oldest first. */
  releasable(): Promise<CallHold[]>;
  /** Holds that some process began to release and has not finished. */
  releasing(): Promise<CallHold[]>;
  /** Sent with unknown outcome. */
  indeterminate(): Promise<CallHold[]>;
  /** Calls on approval that are open: by the digest that the agent sent. For those who must not send a call twice. */
  openCalls(): Promise<{ id: string; agent: string; system: string; digest: string }[]>;
};
