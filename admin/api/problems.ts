/**
 * The error registry of the admin API, in the style of the agents' one: `code` is stable and documented, `detail` tells
 * the person what they can do next. The cause, when there is one, is for the log alone.
 */
export const problems = {
  unauthenticated: [
    401,
    'Credential missing or unknown',
    "Send a reviewer's token as Authorization: Bearer <token>. Agents' tokens do not work here.",
  ],
  'not-found': [404, 'Not found', 'There is nothing at this address.'],
  'bad-request': [
    400,
    'Unreadable request',
    'The request is malformed and changed nothing. Correct it and send it again.',
  ],
  invalid: [
    422,
    'Invalid request',
    'A member of the request is not as described in /api/openapi.json; nothing was changed.',
  ],
  'body-too-large': [413, 'Body too large', 'Send a smaller body; nothing was changed.'],
  'too-long': [413, 'Text too long', 'Send a shorter text; nothing was changed.'],
  'unsupported-media-type': [415, 'Unsupported media type', 'Send the body as application/json.'],
  'precondition-required': [
    428,
    'If-Match required',
    'Send If-Match with the ETag of the hold as you have seen it, such as If-Match: "1".',
  ],
  stale: [
    412,
    'Hold has changed',
    'The hold has changed since you read it. Read it again and decide on what it says now.',
  ],
  decided: [409, 'Already decided', 'Somebody was faster. Read the hold to see its state.'],
  conflict: [409, 'Not possible now', 'The hold is in a state that does not allow this. Read it to see its state.'],
  leased: [423, 'Claimed by somebody else', 'Wait until the lease has ended, or ask whoever holds it to let go of it.'],
  'edit-blocked': [422, 'Edited call blocked', 'Policy would block the edited call. Edit it otherwise, or reject it.'],
  incomplete: [
    409,
    'Cannot be shown whole',
    'The held call cannot be shown whole, and nobody approves what they could not see. Reject it, or change the call so that it can be shown.',
  ],
  'not-permitted': [403, 'Not permitted', 'You may not do this.'],
  'too-many-streams': [429, 'Too many streams', 'Close streams that you no longer read, then try again.'],
  'policy-failed': [
    503,
    'No decision possible',
    'The policy could not be evaluated. /api/policy and the log tell why.',
  ],
  'record-unavailable': [
    503,
    'Record unavailable',
    'The record cannot be read now. Try again shortly; nothing is lost.',
  ],
  unavailable: [
    503,
    'Temporarily unavailable',
    'The request could not be carried out and changed nothing. Try again shortly.',
  ],
  internal: [500, 'Gateway error', 'The gateway failed; the cause is in its log.'],
} as const satisfies Record<string, readonly [status: number, title: string, detail: string]>;

export type AdminProblemCode = keyof typeof problems;

/** What a problem body may carry beside the members of RFC 9457. */
export type AdminProblemExtras = {
  readonly hold_id?: string;
  /** Each invalid member: a JSON pointer (RFC 6901) into what `in` names, and what was expected there. */
  readonly errors?: readonly { readonly in: string; readonly pointer: string; readonly detail: string }[];
  readonly decided?: { readonly status: string; readonly by: string | null; readonly at: string | null };
  /** Who is at it, and until when. */
  readonly lease?: { readonly by: string; readonly until: string };
};

/** A member that is not as it should be. `pointer` is a JSON pointer into what `in` names. */
export function invalidMember(
  within: 'body' | 'querystring' | 'headers',
  pointer: string,
  detail: string,
): AdminProblem {
  const errors = [{ in: within, pointer, detail }];
  const member = `${within}${pointer.replaceAll('/', '.')}`;
  return new AdminProblem('invalid', { detail: `${member}: ${detail} Nothing was changed.`, extras: { errors } });
}

/** A refusal on its way to a person. Thrown by any route; turned into an answer in one place. */
export class AdminProblem extends Error {
  readonly code: AdminProblemCode;
  readonly status: number;
  readonly extras: AdminProblemExtras;

  constructor(code: AdminProblemCode, options: { detail?: string; cause?: unknown; extras?: AdminProblemExtras } = {}) {
    super(options.detail ?? problems[code][2], options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'AdminProblem';
    this.code = code;
    this.status = problems[code][0];
    this.extras = options.extras ?? {};
  }

  /** The problem+json body (RFC 9457). */
  toJSON(): Record<string, unknown> {
    const [status, title] = problems[this.code];
    const type = `urn:holdpoint:problem:${this.code}`;
    return { type, title, status, detail: this.message, code: this.code, ...this.extras };
  }
}
