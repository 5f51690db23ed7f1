import type { Cost } from './cost.ts';
import type { HoldTerms, MatchedRule, Trigger } from './decision.ts';
import type { GrantTerms } from './grant.ts';
import type { ArtifactInfo, Recipient } from './handoff.ts';
import type { Channel, Principal } from './principal.ts';

/**
 * What people are asked for. `approval`: may this call be made? `exception`: an agent asks for help and waits for an
 * answer. `relay`: an agent hands work to another agent or to people. Only an approval has a call.
 */
export const HOLD_KINDS = ['approval', 'exception', 'relay'] as const;
export type HoldKind = (typeof HOLD_KINDS)[number];

/**
 * What people decided. An exception ends as `answered`, a relay as `accepted` or `returned`, and an approval that its
 * caller did not redeem in time as `lapsed`.
 */
export const HOLD_STATUSES = [
  'pending',
  'approved',
  'rejected',
  'expired',
  'cancelled',
  'superseded',
  'taken-over',
  'lapsed',
  'answered',
  'accepted',
  'returned',
] as const;
export type HoldStatus = (typeof HOLD_STATUSES)[number];

/** What was executed. */
export const HOLD_EXECUTIONS = [
  'none',
  'releasing',
  'executed',
  'failed',
  'indeterminate',
  'confirmed-executed',
  'confirmed-not',
] as const;
export type HoldExecution = (typeof HOLD_EXECUTIONS)[number];

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
  /** The person for whom the reviewer stands in; null when the authority is the reviewer's own. */
  readonly for: string | null;
  /** The groups for which it counts, as they were when it was given. */
  readonly groups: readonly string[];
  readonly revision: number;
  readonly channel: Channel;
  readonly note: string | null;
  /** What the person approved beyond this call; null for this call alone. */
  readonly grant: GrantTerms | null;
  /** When the person first saw this revision; null when it is not known. */
  readonly seenAt: number | null;
  readonly at: number;
};

/** One person is reviewing it; while the lease lasts, no other person may decide. */
export type Lease = { readonly by: string; readonly since: number; readonly until: number };

/** Which other groups were asked, and when. */
export type Escalation = {
  readonly at: number;
  readonly to: readonly string[];
  /** Null when a rule's chain did it. */
  readonly by: string | null;
  readonly note: string | null;
  /**
   * Index of the requirement that the groups join. Null when no rule names them: then one of them has to approve as
   * well, so that an escalation adds people and never replaces any.
   */
  readonly requirement: number | null;
};

/** From one reviewer to the others; the agent does not see it. */
export type Note = { readonly by: string; readonly at: number; readonly text: string };

/** The part of the agent's claims that every event of the hold carries. The agent's word, not the gateway's. */
export type HoldClaims = {
  readonly session: string | null;
  readonly task: string | null;
  readonly confidence: number | null;
  readonly flags: readonly string[];
  readonly reversible: boolean | null;
};

/** What all holds have in common: who asks, and what people decided. Times are milliseconds since the epoch. */
export type HoldState = {
  readonly id: string;
  /** Counts every change; compare-and-swap uses it. */
  readonly version: number;
  /** Counts changes to what would be sent; a reviewer's `If-Match` names it. */
  readonly revision: number;
  readonly status: HoldStatus;
  readonly principal: Principal;
  readonly decisionId: string;
  /** SHA-256 (hex) of what the agent sent; identical retries are known by it. An edit does not change it. */
  readonly askedDigest: string;
  readonly idempotencyKey: string | null;
  readonly reason: string;
  readonly terms: HoldTerms;
  readonly claims: HoldClaims;
  readonly votes: readonly Vote[];
  /** Who changed the call since the agent sent it. They alone can never approve it. */
  readonly editors: readonly string[];
  readonly lease: Lease | null;
  /** The reviewer that the gateway suggests, to spread the work. Every eligible reviewer may decide. */
  readonly assignee: string | null;
  readonly escalations: readonly Escalation[];
  readonly notes: readonly Note[];
  /** The caller was given a handle (202) and may have left, so control releases. Otherwise only an attached caller does. */
  readonly handle: boolean;
  readonly createdAt: number;
  /** When people were asked: at the creation, or when the hold was reopened. Escalation counts from here. */
  readonly askedAt: number;
  /** When people should have decided; it ends nothing. */
  readonly slaAt: number;
  /** When the next timer before expiry is due; null when there is none left. */
  readonly remindAt: number | null;
  readonly escalateAt: number | null;
  readonly expiresAt: number;
  /** Expiry has escalated once already, and does not do so again. */
  readonly extended: boolean;
  readonly decidedAt: number | null;
  readonly decidedBy: string | null;
  readonly code: string | null;
  readonly note: string | null;
  /** Until when a rejection answers identical calls; absent on other holds. */
  readonly rejectedUntil?: number;
  /** What a person reports of a call taken over, or found out about a call of unknown outcome. */
  readonly outcome: Outcome | null;
};

/** A call: what policy said of it, what an approval binds to, and what was executed. */
export type CallSubject = {
  readonly kind: 'approval';
  readonly execution: HoldExecution;
  readonly callId: string;
  readonly system: string;
  readonly operation: string;
  readonly method: string;
  /** Path without query. */
  readonly path: string;
  /** Operation, path and resource as the record shows them, masked. */
  readonly onRecord?: { readonly operation: string; readonly path: string; readonly resource: string };
  /** Where the call goes: an approval is for this upstream alone. Absent on holds of earlier versions. */
  readonly upstream?: string;
  /** SHA-256 (hex) of what an approval binds to: see `actionDigest`. An edit changes it. */
  readonly digest: string;
  /** The digest of the call without its target and body, for grants. */
  readonly envelope: string;
  /**
   * SHA-256 (hex) over the names and types of parameters and members: see `bodyShape`. Absent where people could not
   * compare the values, and on holds of earlier versions.
   */
  readonly bodyShape?: string;
  readonly rules: readonly MatchedRule[];
  readonly trigger: Trigger;
  readonly policyRevision: string;
  /** What policy says that the call costs. */
  readonly cost: Cost | null;
  /** The last moment at which an approval may still be released. */
  readonly redeemBy: number | null;
  /** The grant that approved it instead of people. */
  readonly grantId: string | null;
  /** The latest attempt to send it. */
  readonly attempt: Attempt | null;
  /** When a call of unknown outcome is sent once more under the same key; null when that is left to people. */
  readonly resendAt: number | null;
  /** Status of the upstream's answer. */
  readonly upstreamStatus: number | null;
  /** Set for a message of MCP: its client follows the hold by the same call, as it may have no other handle. */
  readonly mcp?: true;
  /** The end that no caller has been told of, as far as is known: the next identical call is told. */
  readonly owed?: Owed | null;
};

/** Until when an end is owed. `by`: the process that is telling a caller now; null if none is. */
export type Owed = { readonly until: number; readonly by: string | null };

type HandoffSubject<Kind extends HoldKind> = {
  readonly kind: Kind;
  /** Without a call, nothing is executed. */
  readonly execution: 'none';
  /** Null: any reviewer may take it. */
  readonly to: Recipient | null;
  readonly artifacts: readonly ArtifactInfo[];
};

/** An agent's question to people. */
export type QuestionSubject = HandoffSubject<'exception'>;

/** Work that an agent hands to another agent or to people. */
export type RelaySubject = HandoffSubject<'relay'>;

export type CallHold = HoldState & CallSubject;
export type HandoffHold = HoldState & (QuestionSubject | RelaySubject);

/** Something stopped at a hold point: common state, and a subject that `kind` tells. */
export type Hold = CallHold | HandoffHold;

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
  /** The inputs of the other ways in which systems may read the call; absent when there is one. */
  readonly otherReadings?: readonly string[];
};

/** The upstream's answer to a released call; kept encrypted for the caller. */
export type HeldResponse = {
  readonly status: number;
  readonly headers: readonly string[];
  readonly body: Buffer;
  readonly complete: boolean;
};

/**
 * Whether an identical call still belongs to this hold: it is not over, or its caller has not been told how it ended. In
 * both cases a second call could be one too many.
 */
export function isOpen(hold: Hold): boolean {
  return !isOver(hold) || isOwed(hold);
}

/** Whether nothing is left to happen: neither undecided, nor to be released, nor sent with unknown outcome. */
export function isOver({ kind, status, execution }: Hold): boolean {
  if (status === 'pending') return false;
  return kind !== 'approval' || status !== 'approved' || !['none', 'releasing', 'indeterminate'].includes(execution);
}

/** Whether the end of the call is owed to its caller. */
export function isOwed(hold: Hold): hold is CallHold & { readonly owed: Owed } {
  return hold.kind === 'approval' && hold.owed != null;
}

/** Whether a caller told now is told everything: the person who took a call over may not have reported the outcome yet. */
export function isConclusive({ status, outcome }: Hold): boolean {
  return status !== 'taken-over' || outcome !== null;
}

/** The recipient of a question or a relay; null for any reviewer, and for a call. */
export function recipientOf(hold: Hold): Recipient | null {
  return hold.kind === 'approval' ? null : hold.to;
}

/** What came with a question or a relay; nothing with a call. */
export function artifactsOf(hold: Hold): readonly ArtifactInfo[] {
  return hold.kind === 'approval' ? [] : hold.artifacts;
}

/** The hold of a call, where nothing but a call can be meant: a hold's kind never changes. */
export function assertCall(hold: Hold): CallHold {
  if (hold.kind !== 'approval') throw new Error(`${hold.id} (${hold.kind}) has no call`);
  return hold;
}

/** Hex SHA-256 over who would do what: what an approval binds to. */
export type DigestAction = Digest & {
  /** The digest of the call without its target and body. */
  readonly envelope: Digest;
  /** The digest of the same call in holds that earlier versions stored. */
  readonly earlier: Digest;
};
/** Hex SHA-256 over one form of a call. */
export type Digest = (
  whose: { readonly principal: Principal; readonly system: string },
  what: Pick<HeldCall, 'method' | 'target' | 'headers' | 'body'>,
) => string;
