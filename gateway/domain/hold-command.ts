import type { Measurement } from './metering.ts';
import type { AnswerNote } from './upstream-sink.ts';
import type { Cost } from './cost.ts';
import type { HoldTerms, MatchedRule } from './decision.ts';
import type { GrantTerms } from './grant.ts';
import type { HandoffAnswer } from './handoff.ts';
import type { HeldCall, HeldResponse, Hold, RejectCode } from './hold.ts';
import type { Channel, Reviewer, Taker } from './principal.ts';

/** What policy says of a call that was changed or is about to be released. */
export type Judgement = {
  readonly rules: readonly MatchedRule[];
  readonly reason: string;
  readonly terms: HoldTerms;
  readonly cost: Cost | null;
  readonly policyRevision: string;
};

type Personal = { readonly by: Reviewer; readonly channel: Channel; readonly revision: number };
type Taking = { readonly by: Taker; readonly channel: Channel; readonly revision: number };

/** What a person, a timer or the gateway asks for; the state machine says what becomes of it. */
export type HoldCommand =
  // --- people
  | ({ readonly type: 'claim' } & Taking)
  | ({ readonly type: 'unclaim' } & Taking)
  | ({ readonly type: 'note'; readonly text: string } & Personal)
  | ({
      readonly type: 'approve';
      readonly note: string | null;
      readonly seenAt: number | null;
      readonly grant: GrantTerms | null;
    } & Personal)
  /** Changes the call and approves the change. The call has been put together and judged anew before. */
  | ({
      readonly type: 'edit';
      readonly note: string | null;
      readonly seenAt: number | null;
      readonly call: HeldCall;
      readonly digest: string;
      readonly envelope: string;
      readonly judgement: Judgement;
      /** JSON pointers into the body of what differs, for the record. */
      readonly changed?: readonly string[];
    } & Personal)
  | ({ readonly type: 'reject'; readonly code: RejectCode; readonly note: string | null } & Personal)
  | ({ readonly type: 'escalate'; readonly to: readonly string[]; readonly note: string | null } & Personal)
  | ({ readonly type: 'take-over'; readonly note: string | null } & Personal)
  /** How it went: of a call that a person took over, or one of unknown outcome. */
  | ({
      readonly type: 'outcome';
      readonly result: 'executed' | 'not-executed';
      readonly reference: string | null;
      readonly note: string | null;
    } & Personal)
  | ({ readonly type: 'answer'; readonly answer: HandoffAnswer; readonly note: string | null } & Personal)
  | ({ readonly type: 'accept'; readonly note: string | null } & Taking)
  | ({ readonly type: 'return'; readonly code: RejectCode; readonly note: string | null } & Taking)
  | {
      readonly type: 'cancel';
      readonly by: string;
      readonly as: 'agent' | 'owner' | 'operator';
      readonly channel: Channel | null;
      readonly reason: string | null;
    }
  // --- timers
  | { readonly type: 'remind' }
  | { readonly type: 'escalate-due' }
  | { readonly type: 'expire' }
  | { readonly type: 'lapse' }
  // --- the gateway
  | { readonly type: 'give-handle' }
  | { readonly type: 'redeem'; readonly grant: string; readonly by: readonly string[]; readonly use: string }
  /** `policyRevision` is null where policy had no part in it. */
  | { readonly type: 'supersede'; readonly reason: string; readonly policyRevision: string | null }
  /** Asks again: policy now holds the approved call for rules that were not approved. */
  | ({ readonly type: 'reopen' } & Judgement)
  | {
      readonly type: 'release';
      readonly attempt: string;
      readonly by: string;
      /** The `Idempotency-Key` that goes out with it. */
      readonly key: string;
      readonly policyRevision: string;
    }
  | ({
      readonly type: 'executed';
      readonly attempt: string;
      readonly response: HeldResponse;
      readonly notes?: readonly AnswerNote[];
      /** The process that passes the answer on to an attached caller; null, as when absent, if none does. */
      readonly tellingBy?: string | null;
    } & Measurement)
  /** Only when provably no byte was sent. */
  | { readonly type: 'failed'; readonly attempt: string; readonly reason: string }
  | {
      readonly type: 'indeterminate';
      readonly attempt: string;
      readonly reason: string;
      /** When to send it again under the same key, where the system is declared idempotent. */
      readonly resendAt: number | null;
    }
  | { readonly type: 'resend'; readonly attempt: string; readonly by: string; readonly policyRevision: string }
  | { readonly type: 'leave-to-people'; readonly reason: string }
  /** The process `by` begins to tell a caller how the call ended. */
  | { readonly type: 'tell'; readonly by: string }
  /** A caller knows how the call ended, or it is too late to tell one. */
  | { readonly type: 'told' }
  /** The caller left before the process `by` had told it everything. */
  | { readonly type: 'missed'; readonly by: string }
  /** The configured probe found out whether it was executed. */
  | { readonly type: 'read-back'; readonly executed: boolean; readonly evidence: string };

/** Why a command changed nothing. */
export type HoldRefusal = {
  readonly refused: 'not-found' | 'stale' | 'state' | 'forbidden' | 'leased' | 'invalid';
  /** For people: who decided and when, or why they may not. */
  readonly detail: string;
  readonly hold: Hold | null;
};

export function isRefusal(result: Hold | HoldRefusal): result is HoldRefusal {
  return 'refused' in result;
}
