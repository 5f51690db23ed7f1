import type { Verdict } from '../../../domain/decision.ts';
import type { Problem, ProblemCode } from '../../../domain/problem.ts';
import type { AnsweredMessage } from '../../../domain/reply.ts';
import { MessageError } from '../../../mcp/message-error.ts';
import { DECISION_KEY, INVALID_PARAMS, INVALID_REQUEST, PARSE_ERROR } from '../../../mcp/protocol.ts';
import { readServerMessage } from '../../../mcp/response.ts';

/** What happened to a call, for the model that made it. Codes that are not here are errors of JSON-RPC. */
const SAID: Partial<Record<ProblemCode, string>> = {
  blocked: 'The tool was not executed: policy blocked this call.',
  suspended: 'The tool was not executed: this agent or system is suspended.',
  stopped: 'The tool was not executed: an operator stopped the calls of all agents.',
  'system-not-granted': 'The tool was not executed: this agent has no access to the system.',
  'not-showable': 'The tool was not executed.',
  'body-too-large': 'The tool was not executed: the call is too large.',
  rejected: 'The tool was not executed: a reviewer rejected this call.',
  expired: 'The tool was not executed: nobody decided in time.',
  cancelled: 'The tool was not executed: the request for approval was withdrawn.',
  superseded: 'The tool was not executed.',
  'taken-over': 'The tool was not executed: a person is doing this instead.',
  'approval-pending': 'The tool has not been executed yet: the call is waiting for approval.',
  'release-pending': 'The call is approved and is being executed. Its result is not there yet.',
  'outcome-unknown': 'The call was sent, and its outcome is unknown.',
  'already-executed': 'The tool was executed before; its result is no longer stored.',
  'upstream-unreachable': 'The tool was not executed: its server could not be reached.',
  'upstream-failed': 'The connection to the server broke. The tool may have been executed.',
  'upstream-timeout': 'The server did not answer in time. The tool may have been executed.',
};

/** What a model does next, where the text of HTTP speaks of headers and addresses. */
const NEXT: Partial<Record<ProblemCode, string>> = {
  'approval-pending':
    'Call the same tool with the same arguments again to go on waiting; it will not be executed twice. Until then, do not assume that it was done.',
  'release-pending':
    'Call the same tool with the same arguments again to get its result; it will not be executed twice.',
};

/** A response of JSON-RPC, and the status with which it is sent. */
export type McpRefusal = { readonly status: number; readonly body: string };

/**
 * The response that refuses a message. A call of a tool gets a result with `isError`, which reaches the model: clients
 * end the session on other statuses than 200, and check the output schema of a result that is no error.
 */
export function refusal(
  problem: Problem,
  { id, method, era }: AnsweredMessage,
  decisionId: string,
  verdict: Verdict,
): McpRefusal {
  const result = method === 'tools/call' ? toolError(problem, era, decisionId, verdict) : null;
  if (result === null) return rpcError(problem, { id, method }, decisionId, verdict);
  return { status: 200, body: `{"jsonrpc":"2.0","id":${id},"result":${JSON.stringify(result)}}` };
}

/** The result of a tool that was not executed; null for a problem that the model can do nothing about. */
export function toolError(
  problem: Problem,
  era: AnsweredMessage['era'],
  decisionId: string,
  verdict: Verdict,
): object | null {
  const said = SAID[problem.code];
  if (said === undefined) return null;
  return {
    ...(era === 'modern' && { resultType: 'complete' }),
    content: [{ type: 'text', text: textOf(problem, said) }],
    isError: true,
    _meta: { [DECISION_KEY]: decisionOf(problem, decisionId, verdict) },
  };
}

/**
 * An error of JSON-RPC. Faults of the message itself have the statuses and codes of the standard. Without an id, the
 * status is all that a client reads.
 */
export function rpcError(
  problem: Problem,
  { id, method }: Pick<AnsweredMessage, 'id' | 'method'>,
  decisionId: string,
  verdict: Verdict,
): McpRefusal {
  const isUnknownTask = method.startsWith('tasks/') && problem.code === 'not-found';
  const isWrongTask = isUnknownTask || problem.code === 'task-ended';
  const isOwnFault = isFault(problem) && !isWrongTask;
  const error = {
    code: isWrongTask ? INVALID_PARAMS : isOwnFault ? standardCode(problem) : problem.status,
    message: isUnknownTask ? 'There is no such task.' : problem.message,
    data: {
      ...(problem instanceof MessageError && problem.data),
      [DECISION_KEY]: decisionOf(problem, decisionId, verdict),
    },
  };
  return {
    status: isOwnFault || id === 'null' ? problem.status : 200,
    body: `{"jsonrpc":"2.0","id":${problem instanceof MessageError ? problem.id : id},"error":${JSON.stringify(error)}}`,
  };
}

/** Faults of the client, which no model can mend. */
const FAULTS: ReadonlySet<ProblemCode> = new Set<ProblemCode>([
  'bad-message',
  'bad-body',
  'bad-request',
  'bad-context',
  'ambiguous-path',
  'unsupported-encoding',
  'not-found',
  'unknown-session',
  'foreign-origin',
]);

/** Whether the client itself reads the refusal, by its status. */
export function isFault({ code }: Problem): boolean {
  return FAULTS.has(code);
}

function standardCode(problem: Problem): number {
  if (problem instanceof MessageError) return problem.rpcCode;
  return problem.code === 'bad-body' ? PARSE_ERROR : INVALID_REQUEST;
}

function decisionOf({ code, extras }: Problem, decisionId: string, verdict: Verdict): Record<string, unknown> {
  const { hold_id, rule, note, reviewer_code, retry_after, outcome } = extras;
  return { verdict, code, decision_id: decisionId, hold_id, rule, note, reviewer_code, retry_after, outcome };
}

function textOf({ code, message, extras }: Problem, said: string): string {
  const { note, reviewer_code: why, outcome } = extras;
  return [
    said,
    why === undefined ? '' : `Code: ${String(why)}.`,
    note === undefined ? '' : `The reviewer's note: ${note}`,
    outcome === undefined ? '' : `What the person reported: ${JSON.stringify(outcome)}`,
    NEXT[code] ?? message,
  ]
    .filter((sentence) => sentence !== '')
    .join('\n');
}

/** What a caller gets whose result does not fit on the stream on which it waited: it is kept for the next call. */
export function tooLargeForStream(
  { id, method, era }: AnsweredMessage,
  decisionId: string,
  holdId: string | undefined,
): string {
  const text =
    'The tool was executed, but its result is too large for the stream on which this call waited. Call the same tool with the same arguments once more to get it; it will not be executed again.';
  const meta = {
    [DECISION_KEY]: { verdict: 'hold', code: 'result-too-large', decision_id: decisionId, hold_id: holdId },
  };
  if (method !== 'tools/call')
    return `{"jsonrpc":"2.0","id":${id},"error":${JSON.stringify({ code: 413, message: text, data: meta })}}`;
  const result = {
    ...(era === 'modern' && { resultType: 'complete' }),
    content: [{ type: 'text', text }],
    isError: true,
    _meta: meta,
  };
  return `{"jsonrpc":"2.0","id":${id},"result":${JSON.stringify(result)}}`;
}

/** The response for an answer of the system that is no message, or has another status than 200. */
export function foreignResponse({ id }: AnsweredMessage, decisionId: string, status: number, body: string): string {
  const message = readServerMessage(body);
  if (message?.kind === 'response') return message.withId(id!);
  const error = {
    code: status,
    message: `The server answered with the HTTP status ${status}.`,
    data: { [DECISION_KEY]: { verdict: 'hold', code: 'upstream-status', decision_id: decisionId } },
  };
  return `{"jsonrpc":"2.0","id":${id},"error":${JSON.stringify(error)}}`;
}
