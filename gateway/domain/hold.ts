import type { Event } from './event.ts';
import type { HoldTerms, MatchedRule } from './decision.ts';
import type { Channel, Principal, Reviewer } from './principal.ts';

/** What people decided. */
export type HoldStatus =
  | 'pending'
  | 'approved'
  | 'rejected'
  | 'expired'
  | 'cancelled'
  | 'superseded'
  | 'taken-over'
  | 'lapsed';

/** What was executed. */
export type HoldExecution =
  | 'none'
  | 'releasing'
  | 'executed'
  | 'failed'
  | 'indeterminate'
  | 'confirmed-executed'
  | 'confirmed-not';

export const REJECT_CODES = [
  'wrong-target',
  'wrong-amount',
  'not-now',
  'missing-information',
  'policy',
  'other',
] as const;
export type RejectCode = (typeof REJECT_CODES)[number];

/** One person's approval of one revision. */
export type Vote = {
  readonly reviewer: string;
  readonly revision: number;
  readonly channel: Channel;
  readonly note: string | null;
  readonly at: number;
};

/** A call stopped at a hold point. Times are milliseconds since the epoch. */
export type Hold = {
  readonly id: string;
  /** Counts every change; compare-and-swap goes by it. */
  readonly version: number;
  /** Counts changes to what would be sent; reviewers' `If-Match` goes by it. */
  readonly revision: number;
  readonly kind: 'approval';
  readonly status: HoldStatus;
  readonly execution: HoldExecution;
  readonly principal: Principal;
  readonly callId: string;
  readonly decisionId: string;
  readonly system: string;
  readonly operation: string;
  readonly method: string;
  /** Path without query. */
  readonly path: string;
  /** SHA-256 (hex) of what approval binds to: see `actionDigest`. */
  readonly digest: string;
  readonly idempotencyKey: string | null;
  readonly rules: readonly MatchedRule[];
  readonly reason: string;
  readonly policyRevision: string;
  readonly terms: HoldTerms;
  readonly votes: readonly Vote[];
  /** The caller was given a handle (202) and may have left: control releases. Otherwise only an attached caller does. */
  readonly handle: boolean;
  readonly createdAt: number;
  readonly expiresAt: number;
  /** The last moment at which an approval may still be released. */
  readonly redeemBy: number | null;
  readonly decidedAt: number | null;
  readonly decidedBy: string | null;
  readonly code: string | null;
  readonly note: string | null;
  /** The one attempt to send it: which, by which process, since when. */
  readonly attempt: { readonly id: string; readonly by: string; readonly at: number } | null;
  /** Status of the upstream's answer. */
  readonly upstreamStatus: number | null;
};

/** The held call itself; kept encrypted. Enough to judge it again and to send it. */
export type HeldCall = {
  readonly method: string;
  readonly target: string;
  readonly headers: readonly string[];
  readonly body: Buffer;
  /** The policy input as judged, JSON text. */
  readonly input: string;
};

/** The upstream's answer to a released call; kept encrypted for the caller. */
export type HeldResponse = {
  readonly status: number;
  readonly headers: readonly string[];
  readonly body: Buffer;
  readonly complete: boolean;
};

/** What opens a hold. */
export type HoldDraft = Pick<
  Hold,
  | 'principal'
  | 'callId'
  | 'decisionId'
  | 'system'
  | 'operation'
  | 'method'
  | 'path'
  | 'digest'
  | 'idempotencyKey'
  | 'rules'
  | 'reason'
  | 'policyRevision'
  | 'terms'
  | 'handle'
> & { readonly call: HeldCall; readonly traceId: string | null };

/** A reviewer's or the gateway's wish; the state machine says what becomes of it. */
export type HoldCommand =
  | {
      readonly type: 'approve';
      readonly by: Reviewer;
      readonly channel: Channel;
      readonly revision: number;
      readonly note: string | null;
    }
  | {
      readonly type: 'reject';
      readonly by: Reviewer;
      readonly channel: Channel;
      readonly revision: number;
      readonly code: RejectCode;
      readonly note: string | null;
    }
  | { readonly type: 'cancel'; readonly by: string }
  | { readonly type: 'give-handle' }
  | { readonly type: 'expire' }
  | { readonly type: 'lapse' }
  | { readonly type: 'supersede'; readonly reason: string; readonly policyRevision: string }
  /** Asks again: the policy now holds the approved call for rules that nobody approved. */
  | {
      readonly type: 'reopen';
      readonly rules: readonly MatchedRule[];
      readonly reason: string;
      readonly terms: HoldTerms;
      readonly policyRevision: string;
    }
  | { readonly type: 'release'; readonly attempt: string; readonly by: string; readonly policyRevision: string }
  | { readonly type: 'executed'; readonly attempt: string; readonly response: HeldResponse }
  /** Only when provably no byte was sent. */
  | { readonly type: 'failed'; readonly attempt: string; readonly reason: string }
  | { readonly type: 'indeterminate'; readonly attempt: string; readonly reason: string };

/** Why a command changed nothing. */
export type HoldRefusal = {
  readonly refused: 'not-found' | 'stale' | 'state' | 'forbidden';
  /** For people: who decided and when, or why they may not. */
  readonly detail: string;
  readonly hold: Hold | null;
};

export type HoldFilter = {
  readonly status?: HoldStatus;
  readonly system?: string;
  readonly agent?: string;
  readonly group?: string;
  readonly cursor?: string;
  readonly limit: number;
};

/** Where holds live. Every change is one transaction that writes its events to the outbox too. */
export type HoldStore = {
  /**
   * Commits a new hold, or finds the one that this call already has: the same `Idempotency-Key` or, while it is open,
   * the same digest by the same agent. Not-yet-redeemed approvals count as open.
   * @throws Problem `key-reused` for the same key with another digest, `store-unavailable` when nothing can be stored.
   */
  open(draft: HoldDraft): Promise<{ hold: Hold; attached: boolean }>;
  find(id: string): Promise<Hold | null>;
  list(filter: HoldFilter): Promise<{ items: Hold[]; next: string | null }>;
  /** The held call, decrypted. */
  call(id: string): Promise<HeldCall | null>;
  /** The stored answer, decrypted; null when there is none (any more). */
  response(id: string): Promise<HeldResponse | null>;
  /** Carries out one command against the newest version, or says why not. Retries lost compare-and-swaps. */
  apply(id: string, command: HoldCommand): Promise<Hold | HoldRefusal>;
  /** Calls back with every hold that any process changed, soon after its commit. Returns the way to stop. */
  watch(changed: (hold: Hold) => void): () => void;
  /** Holds whose time has come: pending past `expiresAt`, approved past `redeemBy`. */
  due(now: number): Promise<Hold[]>;
  /** Approved holds with a handle that wait to be released, oldest first. */
  releasable(): Promise<Hold[]>;
  /** Holds that some process began to release and has not finished. */
  releasing(): Promise<Hold[]>;
  /** Events committed with the changes and not yet shipped, in order. */
  outbox: {
    read(afterSeq: number, limit: number): Promise<{ seq: number; event: Event }[]>;
    forget(throughSeq: number): Promise<void>;
  };
  close(): Promise<void>;
};

export function isRefusal(result: Hold | HoldRefusal): result is HoldRefusal {
  return 'refused' in result;
}
