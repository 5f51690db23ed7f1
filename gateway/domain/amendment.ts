import type { Decision } from './decision.ts';
import type { Judgement } from './hold-command.ts';
import type { CallHold, HeldCall } from './hold.ts';
import type { RepeatedArgument } from './repeated-argument.ts';

/** A held call as a reviewer edits it, and what the policy in force says of it. */
type Edited = {
  readonly call: HeldCall;
  /** JSON pointers into the body: the places that the edit changed. */
  readonly changed: readonly string[];
  readonly decision: Decision;
};

/** An edit that can be made. */
export type Amendment = Edited & {
  readonly digest: string;
  readonly envelope: string;
  /** What has to be met: never less than before the edit. */
  readonly judgement: Judgement;
};

/** Why an amendment is refused: the edit itself is wrong, or policy would block the edited call. */
export type AmendRefusal =
  | {
      readonly refused: 'invalid';
      readonly detail: string;
      /** JSON pointer into the body: the place that is wrong. */
      readonly pointer: string | null;
    }
  | ({ readonly refused: 'blocked'; readonly detail: string } & Edited);

/** Why an edit of the body is refused. `pointer` names the place in the body, if there is one. */
export type NotAmended = { readonly detail: string; readonly pointer: string | null };

/** Edits the body of a held call, in the encoding that the agent chose. */
export type EditBody = {
  /**
   * @param editable JSON pointers (RFC 6901) of the places that may change
   * @param repeated the arguments of a tool that headers repeat; null if that is not known
   */
  readonly amendCall: (
    call: HeldCall,
    edit: unknown,
    editable: readonly string[],
    repeated: readonly RepeatedArgument[] | null,
  ) => HeldCall | NotAmended;
  /** JSON pointers of the places that differ between the bodies of two calls. */
  readonly changedPlaces: (before: HeldCall, after: HeldCall) => string[];
};

/** Applies a reviewer's edit over the body as policy sees it: a merge patch (RFC 7396), or a `JsonPatch` (RFC 6902). Nothing is stored. */
export type Amend = (hold: CallHold, call: HeldCall, edit: unknown) => Promise<Amendment | AmendRefusal>;
