/**
 * Results of calls of MCP that ran as tasks because their clients asked for it (2025-11-25). A held call needs no entry
 * here: its hold is its task.
 */
export type TaskStore = {
  /** The call is still running. */
  touch(id: string): Promise<void>;
  /** How the task ended. The first end counts. */
  settle(id: string, end: TaskEnd): Promise<void>;
  /** Null if nothing was said of the task yet. */
  find(id: string): Promise<TaskRow | null>;
};

/** `result` and `error` are JSON texts, as a response of JSON-RPC has them. */
export type TaskEnd = { readonly result: string } | { readonly error: string } | 'cancelled';

/** `end` is null while the call runs; `changedAt` is in milliseconds since the epoch. */
export type TaskRow = { readonly end: TaskEnd | null; readonly changedAt: number };
