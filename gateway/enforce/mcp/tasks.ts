import type { Clock } from '../../domain/clock.ts';
import { createId, createdAt, isId } from '../../domain/id.ts';
import { taskPurpose, type Passes } from '../../domain/pass.ts';
import type { HandleState, RunningTask } from '../../domain/reply.ts';
import type { TaskEnd, TaskStore } from '../../domain/task-store.ts';

/** Milliseconds for which the result of a task is kept. */
export const TASK_KEPT = 24 * 3_600_000;
/** Seconds between two requests of a client about a call that is running. */
export const RUNNING_RETRY_AFTER = 1;
/** Milliseconds between two signs of life of a call that is running, and after which its process counts as gone. */
const BEAT = 20_000;
const SILENT = 90_000;

/** Ends a task of which nothing was heard for so long: its process died, or could not reach the store. */
const LOST: TaskEnd = {
  error: JSON.stringify({
    code: 502,
    message: 'The gateway lost track of this call. It may have been executed: look before you call the tool again.',
  }),
};

export type TaskState = { readonly task: HandleState; readonly end: TaskEnd | null };

/** How a call that runs as a task stands, in the words of holds. */
export function runningState(id: string, createdAt: number, end: TaskEnd | null): HandleState {
  return {
    id,
    status: end === 'cancelled' ? 'cancelled' : 'approved',
    execution: end === null ? 'releasing' : 'executed',
    createdAt,
    expiresAt: createdAt,
    decidedAt: null,
  };
}

/** Runs allowed calls of tools as tasks, for clients that ask for one with each call (2025-11-25). */
export type Tasks = {
  /** A new task of an agent. */
  begin(agent: string, system: string): RunningTask;
  /** How a task stands; null if it is no task of this agent at this system, or its result is no longer kept. */
  find(agent: string, system: string, id: string): Promise<TaskState | null>;
  /** The client does not want the result. The call goes on, and stays on record. */
  cancel(id: string): Promise<void>;
};

/**
 * The id of a task has a pass, so it needs no entry in the store to be known as the agent's. The store gets one entry when
 * the call ends, which any process finds.
 */
export function createTasks(deps: {
  readonly passes: Passes;
  readonly tasks: TaskStore;
  readonly clock: Clock;
  readonly failed: (error: unknown) => void;
}): Tasks {
  const { passes, tasks, clock, failed } = deps;
  return {
    begin(agent, system) {
      const own = createId('task');
      const id = `${own}.${passes.issue(agent, taskPurpose(system, own), TASK_KEPT)}`;
      let beat: NodeJS.Timeout | undefined;
      return {
        id,
        createdAt: createdAt(own),
        begin() {
          beat = setInterval(() => void tasks.touch(id).catch(failed), BEAT).unref();
        },
        settle(end) {
          clearInterval(beat);
          tasks.settle(id, end).catch(failed);
        },
      };
    },
    async find(agent, system, id) {
      const [own = '', pass = ''] = id.split('.');
      const holder = isId('task', own) ? passes.open(pass, taskPurpose(system, own)) : 'invalid';
      if (typeof holder === 'string' || holder.agent !== agent) return null;
      const began = createdAt(own);
      const row = await tasks.find(id);
      const isLost = row?.end == null && clock() - (row?.changedAt ?? began) > SILENT;
      const end = row?.end ?? (isLost ? LOST : null);
      return { task: runningState(id, began, end), end };
    },
    cancel: (id) => tasks.settle(id, 'cancelled'),
  };
}
