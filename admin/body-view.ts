import { isUtf8 } from 'node:buffer';
import type { HeldCall } from '../gateway/domain/hold.ts';

/** More than anybody reads. A longer body is cut, and what is cut cannot be approved. */
export const SHOWN_BYTES = 256 * 1024;

export type BodyView = {
  /** The body as policy sees it; null when policy cannot see into it. Numbers that JavaScript would round are text. */
  readonly body: unknown;
  /** The bytes as text, exactly; cut after `SHOWN_BYTES`; null when they are not text. */
  readonly text: string | null;
  readonly bytes: number;
  /** Whether all of it is shown. */
  readonly complete: boolean;
  /** Why it is not. */
  readonly missing: string | null;
};

/** What a reviewer can see of a held call's body. Says honestly when that is not everything. */
export function viewBody(call: HeldCall | null, judged: unknown): BodyView {
  if (!call) return { body: null, text: null, bytes: 0, complete: false, missing: 'The held call is no longer kept.' };
  const { body: raw } = call;
  const seen = { body: judged ?? null, bytes: raw.length };
  if (!isUtf8(raw) || raw.includes(0)) {
    const missing = `The body is ${raw.length} bytes of binary data, which cannot be shown.`;
    return { ...seen, text: null, complete: false, missing };
  }
  if (raw.length > SHOWN_BYTES) {
    // A cut through a character leaves a replacement character at the end: what is cut is not approvable anyway.
    const text = raw.toString('utf8', 0, SHOWN_BYTES);
    const missing = `The body has ${raw.length} bytes; only the first ${SHOWN_BYTES} are shown.`;
    return { body: null, bytes: raw.length, text, complete: false, missing };
  }
  return { ...seen, text: raw.toString('utf8'), complete: true, missing: null };
}

/** JSON for showing: a number that would not survive as a JavaScript number is kept as the text that was sent. */
export function parseExactly(text: string): unknown {
  return JSON.parse(text, (_member, value: unknown, context?: { readonly source?: string }) => {
    if (typeof value !== 'number' || context?.source === undefined) return value;
    return isExact(value, context.source) ? value : context.source;
  });
}

/** Whether a number is still the one that was written: 10.50 is 10.5, but 9007199254740993 is not 9007199254740992. */
function isExact(value: number, source: string): boolean {
  return decimal(String(value)) === decimal(source);
}

/** A number's text as sign, digits and power of ten, without zeros that mean nothing. */
function decimal(text: string): string {
  const match = /^(-?)(\d+)(?:\.(\d+))?(?:e([+-]?\d+))?$/i.exec(text);
  if (!match) return text;
  const [, sign = '', whole = '', fraction = '', exponent = '0'] = match;
  const digits = (whole + fraction).replace(/^0+/, '');
  const significant = digits.replace(/0+$/, '');
  if (significant === '') return '0';
  return `${sign}${significant}e${Number(exponent) - fraction.length + digits.length - significant.length}`;
}
