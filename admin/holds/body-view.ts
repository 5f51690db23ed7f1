import { isUtf8 } from 'node:buffer';
import { headerValue } from '../../gateway/domain/headers.ts';
import type { HeldCall, Hold } from '../../gateway/domain/hold.ts';
import { bodyTextOf, showInput } from '../../gateway/domain/policy-input.ts';

/** More than anybody reads. A longer body is cut, and what is cut cannot be approved. */
export const SHOWN_BYTES = 256 * 1024;

export type BodyView = {
  /** The body as policy sees it; null when policy cannot see into it. Numbers that JavaScript would round are text. */
  readonly body: unknown;
  /** The bytes as text, exactly; with `sentAs`, as JSON that policy reads. Cut after `SHOWN_BYTES`; null when binary. */
  readonly text: string | null;
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
  const { body: raw, input } = call;
  const seen = { body: judged ?? null, sentAs: null, bytes: raw.length };
  const sentAs = judged === undefined ? null : codingOf(call);
  if (sentAs !== null) {
    const text = bodyTextOf(input) ?? '';
    return Buffer.byteLength(text) <= SHOWN_BYTES
      ? { ...seen, sentAs, text, complete: true, missing: null }
      : { ...cut(Buffer.from(text)), sentAs, bytes: raw.length };
  }
  if (!isUtf8(raw) || raw.includes(0)) {
    const missing = `The body is ${raw.length} bytes of binary data, which cannot be shown.`;
    return { ...seen, text: null, complete: false, missing };
  }
  if (raw.length > SHOWN_BYTES) return { ...seen, ...cut(raw) };
  return { ...seen, text: raw.toString('utf8'), complete: true, missing: null };
}

const NOTHING = { body: null, text: null, sentAs: null, bytes: 0, complete: false };

/** The beginning of a text that is too long to be shown. */
function cut(text: Buffer) {
  // A cut through a character leaves a replacement character at the end: what is cut is not approvable anyway.
  const missing = `The body has ${text.length} bytes; only the first ${SHOWN_BYTES} are shown.`;
  return { body: null, text: text.toString('utf8', 0, SHOWN_BYTES), complete: false, missing };
}

/**
 * How a body is sent that people could not read as bytes. A file in a multipart form is shown by name, type, size and
 * SHA-256, which says exactly what is sent.
 */
function codingOf({ headers }: HeldCall): string | null {
  const coding = headerValue(headers, 'content-encoding') ?? '';
  if (coding !== '' && coding.toLowerCase() !== 'identity') return coding;
  const type = headerValue(headers, 'content-type') ?? '';
  return /^multipart\/form-data[ \t]*(?:;|$)/i.test(type) ? 'multipart/form-data' : null;
}

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
