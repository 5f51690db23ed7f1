import type { Event } from './event.ts';
import type { Grant } from './grant.ts';
import type { Artifact, Handoff, HandoffAnswer } from './handoff.ts';
import type { CallHold, HandoffHold, HeldCall, HeldResponse, Hold, HoldKind, HoldStatus } from './hold.ts';
import type { HoldCommand, HoldRefusal } from './hold-command.ts';
import type { Notice, NoticeOutcome } from './notification.ts';
import type { Channel, Reviewer } from './principal.ts';
import type { UsageStore } from './usage.ts';

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
> & { readonly call: HeldCall; readonly traceId: string | null };

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
  /** Only what is assigned to or claimed by this person, or by somebody whom the person stands in for now. */
  readonly mine?: string;
  /** Only relays for this agent. */
  readonly toAgent?: string;
  /** Only what is undecided past its `slaAt`. */
  readonly overdue?: boolean;
  readonly cursor?: string;
  readonly limit: number;
};

/** An agent whose calls are refused, or a system that no agent may call, until somebody resumes it. */
export type Suspension = {
  readonly kind: 'agent' | 'system';
  readonly name: string;
  readonly by: string;
  readonly channel: Channel;
  readonly reason: string | null;
  readonly at: number;
};

/** The longest period of a delegation, in milliseconds. */
export const LONGEST_DELEGATION = 90 * 24 * 3_600_000;

/** `to` decides in the place of `from` for a dated period. */
export type Delegation = {
  readonly id: string;
  readonly from: string;
  readonly to: string;
  readonly since: number;
  readonly until: number;
  readonly createdAt: number;
};

/** Where holds live. Every change is one transaction that writes its events and notices too. */
export type HoldStore = {
  /**
   * Commits a new hold, or finds the one that this call already has: the same `Idempotency-Key` or, while it is open,
   * the same digest by the same agent. Not-yet-redeemed approvals count as open, and so do unknown outcomes. A hold that
   * a grant covers is approved in the same transaction.
   * @throws Problem `key-reused` for the same key with another digest, `suspended` when the agent or the system is,
   *   `store-unavailable` when nothing can be stored.
   */
  open(draft: HoldDraft): Promise<{ hold: CallHold; attached: boolean }>;
  /** The same for a wish without a call. @throws as `open` */
  openHandoff(draft: HandoffDraft): Promise<{ hold: Hold; attached: boolean }>;
  find(id: string): Promise<Hold | null>;
  /** Newest first; `next` is the cursor that goes on from here. */
  list(filter: HoldFilter): Promise<{ items: Hold[]; next: string | null }>;
  /** The held call as it would be sent now, decrypted; of another revision where one is named. */
  call(id: string, revision?: number): Promise<HeldCall | null>;
  /** The stored answer, decrypted; null when there is none (any more). */
  response(id: string): Promise<HeldResponse | null>;
  /** What an exception or a relay was opened with. */
  handoff(id: string): Promise<Handoff | null>;
  artifact(id: string, name: string): Promise<Artifact | null>;
  answer(id: string): Promise<HandoffAnswer | null>;
  /** Carries out one command against the newest version, or says why not. Retries lost compare-and-swaps. */
  apply(id: string, command: HoldCommand): Promise<Hold | HoldRefusal>;
  /**
   * Why `apply` would refuse the command now; null when it would not. A hold past its deadline is settled first, as `apply`
   * does: that it is too late is told only once it is committed.
   */
  foresee(id: string, command: HoldCommand): Promise<HoldRefusal | null>;
  /**
   * Calls back with every hold that any process changed, soon after its commit; more than once where that cannot be told
   * apart. Returns the way to stop.
   */
  watch(changed: (hold: Hold) => void): () => void;
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
  readonly grants: {
    list(filter: { agent?: string; active: boolean; cursor?: string; limit: number }): Promise<{
      items: Grant[];
      next: string | null;
    }>;
    find(id: string): Promise<Grant | null>;
    /** Null when there is no such grant. Revoking twice changes nothing. */
    revoke(id: string, by: Reviewer, channel: Channel): Promise<Grant | null>;
  };
  readonly suspensions: {
    list(): Promise<Suspension[]>;
    /**
     * From its commit on no hold of the agent, or at the system, can be opened or released: what was pending or approved
     * is superseded, and an agent's grants are revoked. Tells how many holds that were.
     */
    suspend(suspension: Omit<Suspension, 'at'>): Promise<{ superseded: number }>;
    /** False when it was not suspended. */
    resume(kind: Suspension['kind'], name: string, by: string, channel: Channel): Promise<boolean>;
    /** Calls back with all suspensions, now and after every change. Returns the way to stop. */
    watch(changed: (suspensions: readonly Suspension[]) => void): () => void;
    /** Resolves when every watcher of this process knows what was committed before this call. */
    refresh(): Promise<void>;
  };
  readonly delegations: {
    /** Those that are or will be in force. */
    list(now: number): Promise<Delegation[]>;
    /** Refused as `invalid` when it is to oneself, or for no time, time past or more than `LONGEST_DELEGATION`. */
    add(
      delegation: Pick<Delegation, 'from' | 'to' | 'since' | 'until'>,
      channel: Channel,
    ): Promise<Delegation | HoldRefusal>;
    /** The same person with those filled in whom they stand in for now: what `apply` does with every command. */
    standIn(reviewer: Reviewer): Promise<Reviewer>;
    /** Null when there is none that has not ended. */
    end(id: string, by: string, channel: Channel): Promise<Delegation | null>;
  };
  readonly notices: {
    /** Takes up to `limit` notices that are due, so that no other process takes them before `until`. */
    take(now: number, until: number, limit: number): Promise<Notice[]>;
    settle(id: string, outcome: NoticeOutcome): Promise<void>;
    /** Those that were given up, newest first. */
    dead(filter: { cursor?: string; limit: number }): Promise<{ items: Notice[]; next: string | null }>;
    /** Tries a dead one again, now. Null when there is none. */
    resend(id: string): Promise<Notice | null>;
    /** A notice that belongs to no hold: policy blocked a call and wants people to know. One for each `key`. */
    alert(alert: { key: string; groups: readonly string[]; event: Event }): Promise<void>;
  };
  /** This run of the gateway is alive; see `liveRuns`. */
  beat(run: string): Promise<void>;
  /** Runs of gateways on this store that were alive lately. */
  liveRuns(): Promise<string[]>;
  /** Events committed with the changes and not yet shipped, in order. */
  readonly outbox: {
    read(afterSeq: number, limit: number): Promise<{ seq: number; event: Event }[]>;
    forget(throughSeq: number): Promise<void>;
    /** Null where one gateway has the outbox for itself: whoever delivers keeps its own books then. */
    readonly delivery: OutboxDelivery | null;
  };
  /** What agents, owners and operations use, counted by all processes together. */
  readonly usage: UsageStore;
  close(): Promise<void>;
};

/** What gateways that share an outbox have to agree on, so that each event is delivered once. */
export type OutboxDelivery = {
  /** Names the outbox in deliveries: the same for ever, and for every gateway. */
  readonly home: string;
  /** Whether it is this process that delivers now. One does, until it closes or loses its connection to the store. */
  lead(): Promise<boolean>;
  /** What was saved last; version 0 and null before the first time. */
  load(): Promise<{ readonly version: number; readonly state: string | null }>;
  /** Compare-and-swap: false, and nothing is saved, when another process has saved since `version` was loaded. */
  save(version: number, state: string): Promise<boolean>;
};
