import { Problem } from '../../../domain/problem.ts';
import type { HandleState, HeldEnd } from '../../../domain/reply.ts';
import type { TaskEnd } from '../../../domain/task-store.ts';
import type { Verdict } from '../../../domain/decision.ts';
import type { HeldResponse } from '../../../domain/hold.ts';
import { iso } from '../../../domain/time.ts';
import { finalResponse } from '../../../mcp/final-response.ts';
import type { Era } from '../../../mcp/protocol.ts';
import { TASK_KEPT } from '../../mcp/tasks.ts';
import { toolError } from './refusal.ts';

/** The result of a call for which the client gets a task (2026-07-28, extension tasks). @param retryAfter seconds */
export function createdTask(hold: HandleState, retryAfter: number): string {
  return JSON.stringify({
    resultType: 'task',
    ...taskLife(hold, retryAfter),
    status: 'working',
    statusMessage: waitingFor(hold),
  });
}

/** The result of `tasks/get`. The system's own result is given byte for byte. */
export function detailedTask(hold: HandleState, end: TaskEnd | null, retryAfter: number): string {
  const text = (status: string, rest: string) =>
    `${JSON.stringify({ resultType: 'complete', ...taskLife(hold, retryAfter), status }).slice(0, -1)},${rest}}`;
  if (end === null) return text('working', `"statusMessage":${JSON.stringify(waitingFor(hold))}`);
  if (end === 'cancelled') return text('cancelled', '"statusMessage":"The request for approval was withdrawn."');
  return 'error' in end ? text('failed', `"error":${end.error}`) : text('completed', `"result":${end.result}`);
}

/** How a task ended; null if it has not. */
export function taskEnd(task: HandleState, ended: HeldEnd | TaskEnd, decisionId: string, era: Era): TaskEnd | null {
  if (ended === null) return null;
  if (task.status === 'cancelled') return 'cancelled';
  if (ended instanceof Problem) return refusedEnd(ended, decisionId, 'hold', era);
  return ended !== 'cancelled' && 'body' in ended ? answeredEnd(ended) : ended;
}

/** A call that was not executed has a result, with `isError`, which reaches the model. */
export function refusedEnd(
  problem: Problem,
  decisionId: string,
  verdict: Verdict,
  era: Era,
): Exclude<TaskEnd, 'cancelled'> {
  const result = toolError(problem, era, decisionId, verdict);
  if (result) return { result: JSON.stringify(result) };
  return { error: JSON.stringify({ code: problem.status, message: problem.message }) };
}

/** How a call ended that its server answered. */
export function answeredEnd(response: Pick<HeldResponse, 'status' | 'headers' | 'body'>): TaskEnd {
  const message = finalResponse(response);
  if (message?.result != null && isComplete(message.result)) return { result: message.result };
  return { error: message?.error ?? JSON.stringify({ code: response.status, message: strange(response.status) }) };
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

/** How long a task lasts, and since when. @param retryAfter seconds */
export function taskLife({ id, createdAt, expiresAt, decidedAt }: HandleState, retryAfter: number) {
  return {
    taskId: id,
    createdAt: iso(createdAt),
    lastUpdatedAt: iso(decidedAt ?? createdAt),
    ttlMs: expiresAt - createdAt + TASK_KEPT,
    pollIntervalMs: retryAfter * 1000,
  };
}

export function waitingFor({ status, decidedAt }: HandleState): string {
  if (status === 'pending') return 'Waiting for approval.';
  return decidedAt === null ? 'Being executed.' : 'Approved; being executed.';
}
