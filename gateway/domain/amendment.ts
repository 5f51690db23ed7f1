import type { Judgement } from './hold-command.ts';
import type { CallHold, HeldCall } from './hold.ts';

/** A held call as a reviewer would have it, judged by the policy in force. */
export type Amendment = {
  readonly call: HeldCall;
  readonly digest: string;
  readonly envelope: string;
  readonly judgement: Judgement;
  /** JSON pointers into the body of what the edit changed. */
  readonly changed: readonly string[];
};

/** Why a call cannot be amended so. */
export type AmendRefusal = {
  /** `invalid`: the edit itself is wrong; `blocked`: policy would block the edited call. */
  readonly refused: 'invalid' | 'blocked';
  readonly detail: string;
  /** JSON pointer into the body of what is wrong. */
  readonly pointer: string | null;
};

/** Why an edit is refused; `pointer` says where in the body, if it can be said. */
export type NotAmended = { readonly detail: string; readonly pointer: string | null };

/** Edits the body of a held call, in the encoding that the agent chose. */
export type EditBody = {
  /** @param editable JSON pointers (RFC 6901) of what may change */
  readonly amendCall: (call: HeldCall, edit: unknown, editable: readonly string[]) => HeldCall | NotAmended;
  /** JSON pointers of what differs between the bodies of two calls. */
  readonly changedPlaces: (before: HeldCall, after: HeldCall) => string[];
};

/** Applies a reviewer's edit, an RFC 7396 merge patch over the body as policy sees it. Nothing is stored. */
export type Amend = (hold: CallHold, call: HeldCall, edit: unknown) => Amendment | AmendRefusal;
