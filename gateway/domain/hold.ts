import type { Cost } from './cost.ts';
import type { HoldTerms, MatchedRule, Trigger } from './decision.ts';
import type { GrantTerms } from './grant.ts';
import type { ArtifactInfo, Recipient } from './handoff.ts';
import type { Channel, Principal } from './principal.ts';

/**
 * What is asked of people. `approval`: may this call be made? `exception`: an agent asks for help and waits for an
 * answer, no call attached. `relay`: work is handed to another agent or a person, with artifacts.
 */
export type HoldKind = 'approval' | 'exception' | 'relay';

/** What people decided. */
export type HoldStatus =
  | 'pending'
  | 'approved'
  | 'rejected'
  | 'expired'
  | 'cancelled'
  | 'superseded'
  | 'taken-over'
  | 'lapsed'
  /** An exception has its answer. */
  | 'answered'
  /** A relay was taken on, or given back. */
  | 'accepted'
  | 'returned';

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
  /** Whose authority it is, where the reviewer stands in for somebody. */
  readonly for: string | null;
  /** The groups that it speaks for, as they were when it was given. */
  readonly groups: readonly string[];
  readonly revision: number;
  readonly channel: Channel;
  readonly note: string | null;
  /** For how much more than this call the person approved; null for this call alone. */
  readonly grant: GrantTerms | null;
  /** When the person first saw this revision; null when it is not known. */
  readonly seenAt: number | null;
  readonly at: number;
};

/** One person is at it; while it lasts nobody else may decide. */
export type Lease = { readonly by: string; readonly since: number; readonly until: number };

/** Whom else a hold was shown to, and when. */
export type Escalation = {
  readonly at: number;
  readonly to: readonly string[];
  /** Null when the chain of a rule did it. */
  readonly by: string | null;
  readonly note: string | null;
  /**
   * Which of the terms' requirements the groups now count for too. Null when no rule knows them: then one of them has to
   * approve as well, so that an escalation asks for more people and never for other ones.
   */
  readonly requirement: number | null;
};

/** Between reviewers; the agent does not see it. */
export type Note = { readonly by: string; readonly at: number; readonly text: string };

/** The part of the agent's claims that stands in every event of the hold. The agent's word, not the gateway's. */
export type HoldClaims = {
  readonly session: string | null;
  readonly task: string | null;
  readonly confidence: number | null;
  readonly flags: readonly string[];
  readonly reversible: boolean | null;
};

/** A call, or a wish without one, stopped at a hold point. Times are milliseconds since the epoch. */
export type Hold = {
  readonly id: string;
  /** Counts every change; compare-and-swap goes by it. */
  readonly version: number;
  /** Counts changes to what would be sent; reviewers' `If-Match` goes by it. */
  readonly revision: number;
  readonly kind: HoldKind;
  readonly status: HoldStatus;
  readonly execution: HoldExecution;
  readonly principal: Principal;
  /** Empty, as `system`, `operation`, `method` and `path` are, when no call is attached. */
  readonly callId: string;
  readonly decisionId: string;
  readonly system: string;
  readonly operation: string;
  readonly method: string;
  /** Path without query. */
  readonly path: string;
  /** How operation, path and resource stand on record: with what must not be kept masked. Absent without a call. */
  readonly onRecord?: { readonly operation: string; readonly path: string; readonly resource: string };
  /** SHA-256 (hex) of what approval binds to: see `actionDigest`. An edit changes it. */
  readonly digest: string;
  /** The digest of what the agent sent; its identical retries are known by it. */
  readonly askedDigest: string;
  /** The digest of the call without its body, for grants. */
  readonly envelope: string;
  readonly idempotencyKey: string | null;
  readonly rules: readonly MatchedRule[];
  readonly trigger: Trigger;
  readonly reason: string;
  readonly policyRevision: string;
  readonly terms: HoldTerms;
  /** What policy says that the call costs. */
  readonly cost: Cost | null;
  readonly claims: HoldClaims;
  readonly votes: readonly Vote[];
  /** Who changed the call since the agent sent it. They alone can never approve it. */
  readonly editors: readonly string[];
  readonly lease: Lease | null;
  /** Whom the gateway suggests, so that work is spread; anybody eligible may decide. */
  readonly assignee: string | null;
  readonly escalations: readonly Escalation[];
  readonly notes: readonly Note[];
  /** The caller was given a handle (202) and may have left: control releases. Otherwise only an attached caller does. */
  readonly handle: boolean;
  readonly createdAt: number;
  /** Since when people are asked: from the creation, or from when the hold was reopened. Escalation counts from here. */
  readonly askedAt: number;
  /** Until when people ought to have decided; it ends nothing. */
  readonly slaAt: number;
  /** When the next timer short of expiry is due; null when there is none left. */
  readonly remindAt: number | null;
  readonly escalateAt: number | null;
  readonly expiresAt: number;
  /** Expiry escalated once already, and does not do so again. */
  readonly extended: boolean;
  /** The last moment at which an approval may still be released. */
  readonly redeemBy: number | null;
  readonly decidedAt: number | null;
  readonly decidedBy: string | null;
  readonly code: string | null;
  readonly note: string | null;
  /** What a person reports of a call taken over, or found out about one whose outcome was unknown. */
  readonly outcome: Outcome | null;
  /** The grant that approved it instead of people. */
  readonly grantId: string | null;
  /** The latest attempt to send it: which, by which process, since when, under which `Idempotency-Key`, the how-manieth. */
  readonly attempt: Attempt | null;
  /** When a call of unknown outcome is sent once more under the same key; null when that is left to people. */
  readonly resendAt: number | null;
  /** Status of the upstream's answer. */
  readonly upstreamStatus: number | null;
  /** To whom an exception or a relay goes; null for anybody. */
  readonly to: Recipient | null;
  readonly artifacts: readonly ArtifactInfo[];
};

export type Attempt = {
  readonly id: string;
  readonly by: string;
  readonly at: number;
  readonly key: string;
  readonly number: number;
};

export type Outcome = {
  readonly result: 'executed' | 'not-executed';
  /** Such as the identifier that the system gave what was done. */
  readonly reference: string | null;
  readonly note: string | null;
  /** A person, or `read-back` for the configured probe. */
  readonly by: string;
  readonly at: number;
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

/**
 * Whether an identical call still belongs to this hold: undecided, not yet released, just being released, or sent with
 * unknown outcome. Of the last nobody knows whether a second one would be one too many.
 */
export function isOpen({ kind, status, execution }: Pick<Hold, 'kind' | 'status' | 'execution'>): boolean {
  if (status === 'pending') return true;
  return kind === 'approval' && status === 'approved' && ['none', 'releasing', 'indeterminate'].includes(execution);
}

/** Hex SHA-256 over who would do what: the thing that an approval binds to. */
export type DigestAction = (
  whose: { readonly principal: Principal; readonly system: string },
  what: Pick<HeldCall, 'method' | 'target' | 'headers' | 'body'>,
) => string;
