import { isUtf8 } from 'node:buffer';
import { headerValue } from './headers.ts';
import type { HeldCall } from './hold.ts';
import { bodyTextOf } from './policy-input.ts';

/** The longest text of a body that reviewers are shown, in bytes. A call with a longer one is not held. */
export const MOST_SHOWN = 10 * 1024 * 1024;

type Sent = Pick<HeldCall, 'headers' | 'body' | 'input'>;

/** A body as people read it. */
export type ShownText = {
  /** Null when the body is binary: its type, size and SHA-256 say exactly what is sent. */
  readonly text: string | null;
  /** How the body is sent if the text is not its bytes: compressed, or in parts. */
  readonly sentAs: string | null;
};

export function shownText(call: Sent): ShownText {
  const sentAs = codingOf(call.headers);
  const judged = sentAs === null ? null : bodyTextOf(call.input);
  if (judged !== null) return { text: judged, sentAs };
  const isText = isUtf8(call.body) && !call.body.includes(0);
  return { text: isText ? call.body.toString('utf8') : null, sentAs };
}

/** Whether reviewers can be shown all of a call. A call that cannot be shown cannot be approved, so holding it is no use. */
export function isShowable(call: Sent): boolean {
  // The usual call is far below the limit, whatever it holds. The input contains the body as policy reads it.
  if (call.body.length <= MOST_SHOWN && call.input.length <= MOST_SHOWN / 3) return true;
  const { text } = shownText(call);
  return text === null || Buffer.byteLength(text) <= MOST_SHOWN;
}

/** How a body is sent that people could not read as bytes. */
function codingOf(headers: readonly string[]): string | null {
  const coding = headerValue(headers, 'content-encoding') ?? '';
  if (coding !== '' && coding.toLowerCase() !== 'identity') return coding;
  const type = headerValue(headers, 'content-type') ?? '';
  return /^multipart\/(?:form-data|related)(?=[ \t]*(?:;|$))/i.exec(type)?.[0].toLowerCase() ?? null;
}
