import type { HandleState } from '../../../domain/reply.ts';
import type { TaskEnd } from '../../../domain/task-store.ts';
import { parseSpans } from '../../../json/text.ts';
import { IMMEDIATE_RESPONSE_KEY, INVALID_PARAMS, RELATED_TASK_KEY } from '../../../mcp/protocol.ts';
import { taskLife, waitingFor } from './task.ts';

/**
 * The result of a call that runs as a task (2025-11-25, Tasks). The model is told at once, by clients that do so.
 * @param retryAfter seconds
 */
export function createdLegacyTask(task: HandleState, retryAfter: number): string {
  const statusMessage = waitingFor(task);
  return JSON.stringify({
    task: { ...shown(task, 'working', retryAfter), statusMessage },
    _meta: {
      [IMMEDIATE_RESPONSE_KEY]: `${statusMessage} The result follows; do not assume that the tool was executed.`,
    },
  });
}

/** The result of `tasks/get` and of `tasks/cancel`. */
export function legacyTask(task: HandleState, end: TaskEnd | null, retryAfter: number): string {
  const [status, statusMessage] = statusOf(task, end);
  return JSON.stringify({ ...shown(task, status, retryAfter), statusMessage });
}

/** The response to `tasks/result`, without its envelope: the result of the call, which names its task. */
export function legacyResult(task: HandleState, end: TaskEnd): string {
  if (end === 'cancelled') {
    const error = { code: INVALID_PARAMS, message: 'The task was cancelled, so it has no result.' };
    return `"error":${JSON.stringify(error)}`;
  }
  return 'error' in end ? `"error":${end.error}` : `"result":${withRelatedTask(end.result, task.id)}`;
}

function withRelatedTask(result: string, taskId: string): string {
  const { start, members } = parseSpans(result);
  const related = `"${RELATED_TASK_KEY}":${JSON.stringify({ taskId })}`;
  const meta = members.get('_meta')?.value;
  if (!meta || result[meta.start] !== '{') {
    const comma = members.size > 0 ? ',' : '';
    return `${result.slice(0, start + 1)}"_meta":{${related}}${comma}${result.slice(start + 1)}`;
  }
  const comma = meta.members.size > 0 ? ',' : '';
  return `${result.slice(0, meta.start + 1)}${related}${comma}${result.slice(meta.start + 1)}`;
}

function statusOf(task: HandleState, end: TaskEnd | null): [status: string, says: string] {
  if (end === null) return ['working', waitingFor(task)];
  if (end === 'cancelled') return ['cancelled', 'The request was withdrawn.'];
  return 'error' in end ? ['failed', 'The call failed.'] : ['completed', 'The result is there.'];
}

function shown(task: HandleState, status: string, retryAfter: number) {
  const { ttlMs: ttl, pollIntervalMs: pollInterval, ...rest } = taskLife(task, retryAfter);
  return { ...rest, status, ttl, pollInterval };
}
