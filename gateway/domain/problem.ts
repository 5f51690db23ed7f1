/**
 * The error registry: one line each. `code` is stable and documented; `detail` tells the agent what it can do next.
 * The cause, when there is one, is for the log alone.
 */
export const problems = {
  'unknown-system': [
    404,
    'No such system',
    'The first path segment must name a system behind this gateway, as in /payments/v1/refunds.',
  ],
  'not-found': [404, 'Not found', 'There is nothing here that this credential may see.'],
  unauthenticated: [
    401,
    'Credential missing or unknown',
    "Send this gateway's agent token as Authorization: Bearer <token> or in the header that the system's SDK uses for its key.",
  ],
  'system-not-granted': [
    403,
    'System not granted',
    "This agent has no access to the system. Ask the agent's owner to have it added to the agent's systems.",
  ],
  suspended: [
    403,
    'Suspended',
    'An operator has suspended this agent or system. Do not send the call again; ask the owner.',
  ],
  'bad-request': [
    400,
    'Unreadable request',
    'The request is ambiguous or malformed and was not forwarded. Send it in its plain form.',
  ],
  'ambiguous-path': [
    400,
    'Ambiguous path',
    'Send the path in its plain form: no dot segments, encoded slashes or backslashes, control characters or doubled slashes.',
  ],
  'bad-body': [
    400,
    'Unreadable body',
    'The body cannot be judged exactly as sent. Correct it and send the call again.',
  ],
  'bad-context': [
    400,
    'Unreadable Agent-Context',
    'Agent-Context must be an RFC 9651 dictionary, such as task="T-1", confidence=0.9.',
  ],
  'body-too-large': [
    413,
    'Body too large',
    'Send a smaller body: this is more than the system accepts through the gateway.',
  ],
  'bad-handoff': [
    422,
    'Unreadable handoff',
    'Send JSON such as {"task": "…", "summary": "…", "options": ["…"]}; see the description of /-/holds.',
  ],
  'handoff-too-large': [413, 'Handoff too large', 'Send smaller or fewer artifacts.'],
  'not-yours': [403, 'Not for this agent', 'Only the one to whom a relay is addressed may take it.'],
  'taken-by-another': [423, 'Somebody else is at it', 'Wait until the other one is done, or the lease has ended.'],
  'unsupported-encoding': [415, 'Content-Encoding cannot be judged', 'Send the body without Content-Encoding.'],
  'key-reused': [
    422,
    'Idempotency-Key used with another payload',
    'Use a new Idempotency-Key for a different call, or repeat the first call unchanged.',
  ],
  blocked: [403, 'Blocked by policy', 'Do not send this call again unchanged; policy does not permit it.'],
  rejected: [
    403,
    'Rejected by a reviewer',
    "Do not send this call again unchanged; read the reviewer's code and note.",
  ],
  expired: [
    403,
    'Approval expired',
    'Nobody decided in time; this is not a rejection. Ask the owner, or send the call again to open a new hold.',
  ],
  cancelled: [
    403,
    'Hold cancelled',
    'The hold was cancelled before anybody decided. Send the call again if it is still needed.',
  ],
  superseded: [
    403,
    'Hold superseded',
    'The policy in force no longer permits this call. Do not send it again unchanged.',
  ],
  'taken-over': [
    403,
    'Taken over by a person',
    'A person does this instead. Do not do it again; read the recorded outcome.',
  ],
  'approval-pending': [
    503,
    'Waiting for approval',
    'The call waits for a person. Repeat the identical call after Retry-After to go on waiting, or read the hold at Location.',
  ],
  'outcome-unknown': [
    409,
    'Outcome unknown',
    'The call was sent but its outcome is not known. Do not send it again; a person will find out what happened.',
  ],
  'already-executed': [
    409,
    'Already executed',
    'The approved call was executed, but its answer is no longer kept. Do not send it again.',
  ],
  'hold-settled': [409, 'Hold already settled', 'Read the hold to see its final state.'],
  'no-response-yet': [409, 'No response yet', 'The held call has not been executed. Read the hold to see its state.'],
  'upstream-unreachable': [
    502,
    'System unreachable',
    'The system behind the gateway could not be reached and the call was not executed. Try again later.',
  ],
  'upstream-failed': [
    502,
    'System answered badly',
    'The connection to the system broke before its answer was complete. The call may have been executed: check before sending it again.',
  ],
  'upstream-timeout': [
    504,
    'System too slow',
    'The system did not answer in time. The call may have been executed: check before sending it again.',
  ],
  'policy-unavailable': [
    503,
    'No decision possible',
    'The policy could not decide, so nothing was forwarded. Try again later; operators see the cause in the log.',
  ],
  'journal-unavailable': [
    503,
    'No record possible',
    'The call cannot be recorded, so nothing was forwarded. Try again later.',
  ],
  'store-unavailable': [
    503,
    'Holds unavailable',
    'The call needs a hold, but holds cannot be stored now; nothing was forwarded. Try again later.',
  ],
  overloaded: [503, 'System busy', 'All connections to the system are in use and the queue is full. Try again later.'],
  draining: [503, 'Gateway stopping', 'The gateway is stopping or restarting. Send the call again shortly.'],
  internal: [500, 'Gateway error', 'The gateway failed. The decision id in this answer finds the cause in its log.'],
} as const satisfies Record<string, readonly [status: number, title: string, detail: string]>;

export type ProblemCode = keyof typeof problems;

/** What a problem body may carry beside the members of RFC 9457. */
export type ProblemExtras = {
  decision_id?: string;
  hold_id?: string;
  rule?: string;
  note?: string;
  /** Seconds; sent as Retry-After too. */
  retry_after?: number;
  [member: string]: unknown;
};

/** A refusal on its way to the agent. Thrown by any stage; turned into an answer in one place. */
export class Problem extends Error {
  readonly code: ProblemCode;
  readonly status: number;
  readonly extras: ProblemExtras;

  /** `detail` replaces the registry's text where the stage knows better what the agent can do. */
  constructor(code: ProblemCode, options: { detail?: string; cause?: unknown; extras?: ProblemExtras } = {}) {
    super(options.detail ?? problems[code][2], options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'Problem';
    this.code = code;
    this.status = problems[code][0];
    this.extras = options.extras ?? {};
  }

  /**
   * The problem+json body (RFC 9457). `error` and `message` say the same once more where SDKs look for it: without
   * `error.message` the Stripe SDK even takes a 403 for a success.
   */
  toJSON(): Record<string, unknown> {
    const { code, status, message } = this;
    const [, title] = problems[code];
    const error = { type: 'holdpoint_error', code, message };
    return {
      type: `urn:holdpoint:problem:${code}`,
      title,
      status,
      detail: message,
      code,
      ...this.extras,
      message,
      error,
    };
  }
}
