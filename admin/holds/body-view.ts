import { hash } from 'node:crypto';
import { headerValue } from '../../gateway/domain/headers.ts';
import type { HeldCall, Hold } from '../../gateway/domain/hold.ts';
import { showInput } from '../../gateway/domain/policy-input.ts';
import { MOST_SHOWN, shownText } from '../../gateway/domain/showable.ts';

/** A body that is no text, by what says exactly which bytes are sent. */
export type BinaryView = { readonly type: string | null; readonly bytes: number; readonly sha256: string };

export type BodyView = {
  /** The body as policy sees it; null when policy cannot see into it. Numbers that JavaScript would round are text. */
  readonly body: unknown;
  /** The bytes as text, exactly; with `sentAs`, as JSON that policy reads. Null when binary, or too long to be shown. */
  readonly text: string | null;
  readonly binary: BinaryView | null;
  /** How the body is sent if it is not shown as its bytes: compressed, or as a multipart form. */
  readonly sentAs: string | null;
  readonly bytes: number;
  /** Whether all of it is shown. */
  readonly complete: boolean;
  /** Why it is not. */
  readonly missing: string | null;
};

/** What a reviewer can see of a held call's body. Says honestly when that is not everything. */
export function viewBody(call: HeldCall | null, judged: unknown): BodyView {
  if (!call) return { ...NOTHING, missing: 'The held call is no longer kept.' };
  const { text, sentAs } = shownText(call);
  const seen = { body: judged ?? null, text, binary: null, sentAs, bytes: call.body.length };
  if (text === null) return { ...seen, binary: viewBinary(call), complete: true, missing: null };
  const length = Buffer.byteLength(text);
  if (length <= MOST_SHOWN) return { ...seen, complete: true, missing: null };
  const missing = `The body has ${length} bytes of text, more than the ${MOST_SHOWN} that are shown.`;
  return { ...seen, body: null, text: null, complete: false, missing };
}

function viewBinary({ headers, body }: HeldCall): BinaryView {
  return { type: headerValue(headers, 'content-type') ?? null, bytes: body.length, sha256: hash('sha256', body) };
}

const NOTHING = { body: null, text: null, binary: null, sentAs: null, bytes: 0, complete: false };

/** A call's body, and what the agent had sent before somebody changed it. */
export type CallView = BodyView & { readonly proposed: unknown };

/** What a person sees who may not read what is in calls. */
export const HIDDEN: CallView = {
  ...NOTHING,
  missing: "Only reviewers, operators and the agent's owner may read what is in a call.",
  proposed: null,
};

/**
 * What a reviewer can see of a held call. Where people changed it, both sides have to be shown.
 * @param original the call as the agent sent it; only asked for where people changed it
 */
export function viewCall(
  { editors }: Pick<Hold, 'editors'>,
  call: HeldCall | null,
  original: HeldCall | null,
): CallView {
  const now = viewBody(call, showInput(call?.input ?? null).action.body);
  if (editors.length === 0) return { ...now, proposed: now.body };
  const before = viewBody(original, showInput(original?.input ?? null).action.body);
  const missing = before.missing && `What the agent sent cannot be shown beside the edit. ${before.missing}`;
  return {
    ...now,
    proposed: before.body,
    complete: now.complete && before.complete,
    missing: now.missing ?? missing,
  };
}
