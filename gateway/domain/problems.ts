/**
 * The error registry. `code` is public and stable; `detail` tells the caller what to do next. The cause is for the log.
 * TypeScript refuses a code that two lists have, so that no URN means two things.
 */
type Registry = Record<string, readonly [status: number, title: string, detail: string]>;
/** Makes a list that repeats one of these codes a type error. */
type Without<Code extends string> = { readonly [Each in Code]?: never };

/** Codes with one meaning for agents and for the admin API. */
export const commonProblems = {
  unauthenticated: [
    401,
    'Credential missing or unknown',
    'Send Authorization: Bearer <token>, with an agent token to the gateway or a reviewer token to the admin API. Agents may instead use the header in which the SDK of the system sends its key.',
  ],
  'too-many-wrong-tokens': [
    429,
    'Too many wrong tokens',
    'This address sent many unknown tokens. Correct the token, then try again after Retry-After. A right token is accepted at once.',
  ],
  'not-found': [
    404,
    'Not found',
    'There is nothing at this address, or this credential may not see it. Check the address.',
  ],
  'bad-request': [
    400,
    'Malformed request',
    'The request is malformed or ambiguous and had no effect. Correct it and send it again.',
  ],
  'head-too-large': [
    431,
    'Request head too large',
    'The request line and headers exceed the limit. Send shorter ones, or have an operator raise `head_limit`.',
  ],
  'body-too-large': [413, 'Body too large', 'The body exceeds the limit and had no effect. Send a smaller one.'],
  internal: [
    500,
    'Gateway error',
    'The gateway failed. Its log has the cause, under the decision id if this response has one.',
  ],
} as const satisfies Registry;

/** Codes that agents alone receive. */
export const agentProblems = {
  'unknown-system': [
    404,
    'Unknown system',
    'The first path segment must name a configured system, as in /payments/v1/refunds.',
  ],
  'system-not-granted': [
    403,
    'System not granted',
    "This agent has no access to the system. Ask the agent's owner to add it to the agent's systems.",
  ],
  'task-ended': [409, 'Task ended', 'The task has ended, so it cannot be cancelled. Read its result instead.'],
  suspended: [
    403,
    'Suspended',
    'An operator suspended this agent or system. Do not send the call again; ask the owner.',
  ],
  stopped: [
    403,
    'Stopped',
    'An operator stopped the calls of all agents. Nothing was sent. Do not send the call again until the owner says so.',
  ],
  'ambiguous-path': [
    400,
    'Ambiguous path',
    'Send a path without dot segments, backslashes, control characters and fragments, in any encoding.',
  ],
  'bad-body': [
    400,
    'Malformed body',
    'The body is malformed or ambiguous and was not forwarded. Correct it and send the call again.',
  ],
  'bad-message': [
    400,
    'Malformed MCP message',
    'The message is malformed or ambiguous and was not forwarded. Correct it and send it again.',
  ],
  'unknown-session': [
    404,
    'Unknown MCP session',
    'This agent has no such session: it has ended, or another agent opened it. Begin a new one with initialize.',
  ],
  'foreign-origin': [
    403,
    'Foreign origin',
    'Pages of this origin may not speak MCP to the gateway (DNS rebinding). An operator can add it to `cors` of the system.',
  ],
  'bad-context': [
    400,
    'Malformed Agent-Context',
    'Send Agent-Context as an RFC 9651 dictionary, such as task="T-1", confidence=0.9.',
  ],
  'bad-handoff': [
    422,
    'Malformed handoff',
    'Send JSON such as {"task": "…", "summary": "…", "options": ["…"]}; see the description of /-/holds.',
  ],
  'handoff-too-large': [413, 'Handoff too large', 'Send smaller or fewer artifacts.'],
  'too-many-handoffs': [
    429,
    'Too many handoffs',
    'This agent handed over as much as it may for now. Send it again after Retry-After, or wait for answers first.',
  ],
  'not-yours': [
    403,
    'Not addressed to this agent',
    'Only the agent to which a relay is addressed may accept it. Leave it to that agent.',
  ],
  'taken-by-another': [
    423,
    'Already claimed',
    'Another agent or person has claimed this. Wait until the claim is released or its lease ends.',
  ],
  'unsupported-encoding': [
    415,
    'Unsupported Content-Encoding',
    'Policy cannot read this encoding. Send the body as gzip, deflate, br or zstd, or without Content-Encoding.',
  ],
  'key-reused': [
    422,
    'Idempotency-Key reused for another call',
    'Use a new Idempotency-Key for a different call, or repeat the first call unchanged.',
  ],
  blocked: [403, 'Blocked by policy', 'Policy does not permit this call. Do not send it again unchanged.'],
  'not-showable': [
    403,
    'Too large for a reviewer',
    'Policy asks a person to approve this call, but its body is larger than people are shown. It was not sent or held. Send it in smaller parts, or ask the owner.',
  ],
  rejected: [
    403,
    'Rejected by a reviewer',
    "Read the reviewer's code and note. Do not send this call again unchanged.",
  ],
  expired: [
    403,
    'Approval expired',
    'No reviewer decided in time, so the call was not sent. This is not a rejection. Report it and stop: do not try to reach the same effect in another way. The owner says whether to ask again.',
  ],
  cancelled: [
    403,
    'Hold cancelled',
    'The hold was cancelled before it was decided. Send the call again if it is still needed.',
  ],
  superseded: [
    403,
    'Hold superseded',
    'The current policy no longer permits this call. Do not send it again unchanged.',
  ],
  'taken-over': [
    403,
    'Taken over by a person',
    'A person is doing this instead. Do not do it again; read the recorded outcome.',
  ],
  'approval-pending': [
    503,
    'Waiting for approval',
    'The call is waiting for a reviewer. Retry the same request after Retry-After to keep waiting, or read the hold at Location.',
  ],
  'release-pending': [
    503,
    'Approved, not finished yet',
    'The call is approved and is being sent. Retry the same request after Retry-After to get its response, or read the hold at Location.',
  ],
  'outcome-unknown': [
    409,
    'Outcome unknown',
    'The call was sent, but its outcome is unknown. Do not send it again; a person will find out what happened.',
  ],
  'already-executed': [
    409,
    'Already executed',
    'The approved call was executed, but its response is no longer stored. Do not send it again.',
  ],
  'hold-settled': [409, 'Hold already settled', 'Read the hold to see its final state.'],
  'no-response-yet': [409, 'No response yet', 'The held call has not been executed. Read the hold to see its state.'],
  'upstream-unreachable': [
    502,
    'Upstream unreachable',
    'The gateway could not reach the system, and the call was not executed. Try again later.',
  ],
  'upstream-failed': [
    502,
    'Upstream connection failed',
    'The connection to the system broke before its response was complete. The call may have been executed: check before you send it again.',
  ],
  'answer-head-too-large': [
    502,
    'Response head too large',
    'The headers of the response exceed the limit, so it was not passed on. The call was executed: do not send it again. An operator can raise `answer_head_limit` of the system.',
  ],
  'upstream-timeout': [
    504,
    'Upstream timeout',
    'The system did not respond in time. The call may have been executed: check before you send it again.',
  ],
  'policy-unavailable': [
    503,
    'Policy decision unavailable',
    'Policy could not decide, so nothing was forwarded. Try again later; the gateway log has the cause.',
  ],
  'journal-unavailable': [
    503,
    'Audit journal unavailable',
    'The call cannot be recorded, so nothing was forwarded. Try again later.',
  ],
  'store-unavailable': [
    503,
    'Hold store unavailable',
    'The call needs a hold, but the hold cannot be stored; nothing was forwarded. Try again later.',
  ],
  overloaded: [
    503,
    'Upstream queue full',
    'All connections to the system are in use and the queue is full. Try again after Retry-After.',
  ],
  'loop-detected': [
    508,
    'Loop detected',
    'The call has passed through the gateway several times and was not sent on: the `upstream` of a system leads back to a gateway. Ask an operator to correct it.',
  ],
  draining: [503, 'Gateway shutting down', 'The gateway is shutting down or restarting. Send the call again shortly.'],
} as const satisfies Registry & Without<keyof typeof commonProblems>;

/** Codes that the admin API alone returns. */
export const adminProblems = {
  invalid: [
    422,
    'Invalid request',
    'The request does not match /api/openapi.json; nothing was changed. Correct it and send it again.',
  ],
  'too-long': [413, 'Text too long', 'Send a shorter text; nothing was changed.'],
  'unsupported-media-type': [415, 'Unsupported media type', 'Send the body as application/json; nothing was changed.'],
  'precondition-required': [
    428,
    'If-Match required',
    'Send If-Match with the ETag of the hold as you read it, such as If-Match: "1".',
  ],
  stale: [412, 'Hold has changed', 'The hold has changed since you read it. Read it again, then decide.'],
  decided: [409, 'Already decided', 'The hold was decided before your request. Read it to see the decision.'],
  conflict: [409, 'Not possible in this state', 'The hold is in a state that does not allow this. Read it again.'],
  leased: [
    423,
    'Already claimed',
    'Another reviewer has claimed this hold. Wait until the lease ends, or ask them to release it.',
  ],
  'edit-blocked': [
    422,
    'Edited call blocked',
    'Policy would block the edited call. Change the edit, or reject the call.',
  ],
  'batch-differs': [
    422,
    'Holds differ',
    'Only reversible holds of one rule and one shape can be decided together. Decide on the others one by one.',
  ],
  incomplete: [
    409,
    'Cannot be displayed in full',
    'A call that cannot be displayed in full cannot be approved. Reject it, or edit it so that it can be displayed.',
  ],
  'cross-site': [
    403,
    'Not from the console',
    'With a session, only pages of the console may change anything, at the address of its listener or the one that `notify.console` sets. Open it there, or send a bearer token.',
  ],
  'not-permitted': [403, 'Not permitted', 'You may not do this. Ask a person with the required role.'],
  'too-many-streams': [429, 'Too many streams', 'Close streams that you no longer read, then try again.'],
  'policy-failed': [
    503,
    'Policy evaluation failed',
    'The policy could not be evaluated. See /api/policy and the log for the cause.',
  ],
  'record-unavailable': [
    503,
    'Audit record unavailable',
    'The audit record cannot be read now; nothing is lost. Try again shortly.',
  ],
  unavailable: [503, 'Temporarily unavailable', 'The request failed and changed nothing. Try again shortly.'],
} as const satisfies Registry & Without<keyof typeof commonProblems | keyof typeof agentProblems>;

export type AgentProblemCode = keyof typeof commonProblems | keyof typeof agentProblems;
export type AdminProblemCode = keyof typeof commonProblems | keyof typeof adminProblems;

export const problems: Readonly<Record<AgentProblemCode | AdminProblemCode, Registry[string]>> = {
  ...commonProblems,
  ...agentProblems,
  ...adminProblems,
};
