import { Problem } from '../../../domain/problem.ts';
import type { HandleState, HeldEnd } from '../../../domain/reply.ts';
import type { HeldResponse } from '../../../domain/hold.ts';
import { iso } from '../../../domain/time.ts';
import { finalResponse } from '../../../mcp/final-response.ts';
import { toolError } from './refusal.ts';

/** Milliseconds for which a result is kept after its hold has ended. */
const KEPT = 24 * 3_600_000;

/** The result of a call for which the client gets a task (2026-07-28, extension tasks). @param retryAfter seconds */
export function createdTask(hold: HandleState, retryAfter: number): string {
  return JSON.stringify({
    resultType: 'task',
    ...taskOf(hold, 'working', retryAfter),
    statusMessage: waitingFor(hold),
  });
}

/**
 * The result of `tasks/get`. A call that was not executed is a completed task: its result, with `isError`, reaches the
 * model. The system's own result is given byte for byte.
 */
export function detailedTask(hold: HandleState, ended: HeldEnd, decisionId: string, retryAfter: number): string {
  const text = (status: string, rest: string) =>
    `${JSON.stringify({ resultType: 'complete', ...taskOf(hold, status, retryAfter) }).slice(0, -1)},${rest}}`;
  if (ended === null) return text('working', `"statusMessage":${JSON.stringify(waitingFor(hold))}`);
  if (hold.status === 'cancelled')
    return text('cancelled', '"statusMessage":"The request for approval was withdrawn."');
  if (!(ended instanceof Problem)) return text(...outcomeOf(ended));
  const result = toolError(ended, 'modern', decisionId, 'hold');
  return result
    ? text('completed', `"result":${JSON.stringify(result)}`)
    : text('failed', `"error":${JSON.stringify({ code: ended.status, message: ended.message })}`);
}

function outcomeOf(response: HeldResponse): [status: string, rest: string] {
  const message = finalResponse(response);
  if (message?.result != null && isComplete(message.result)) return ['completed', `"result":${message.result}`];
  const failed = message?.error ?? JSON.stringify({ code: response.status, message: strange(response.status) });
  return ['failed', `"error":${failed}`];
}

/** The system may ask for input instead, or begin a task of its own; nobody is there to answer or to follow it. */
function isComplete(result: string): boolean {
  const { resultType = 'complete' } = JSON.parse(result) as { readonly resultType?: unknown };
  return resultType === 'complete';
}

function strange(status: number): string {
  return status === 200
    ? 'The server was called and gave no complete result. Call the tool again, without tasks, if it asks for input.'
    : `The server answered with the HTTP status ${status}.`;
}

function taskOf({ id, createdAt, expiresAt, decidedAt }: HandleState, status: string, retryAfter: number) {
  return {
    taskId: id,
    status,
    createdAt: iso(createdAt),
    lastUpdatedAt: iso(decidedAt ?? createdAt),
    ttlMs: expiresAt - createdAt + KEPT,
    pollIntervalMs: retryAfter * 1000,
  };
}

function waitingFor({ status }: HandleState): string {
  return status === 'pending' ? 'Waiting for approval.' : 'Approved; being executed.';
}
