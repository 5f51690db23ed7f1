import type { ChildProcess } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';

/** A process that ran for so long was healthy, so the backoff starts again. Milliseconds. */
const HEALTHY_AFTER = 30_000;
const FIRST_WAIT = 100;
const LONGEST_WAIT = 5_000;

/** A process that is restarted whenever it ends. */
export type Kept = {
  readonly name: string;
  readonly connected: boolean;
  /** Sends to the current process, if any. Messages are not kept for the next one. */
  send(message: object): void;
  kill(signal: NodeJS.Signals): void;
  /** Stops restarts; resolves when the current process has ended. */
  ended(): Promise<void>;
};

/** Spawns a process and restarts it whenever it ends, with exponential backoff from 100 ms to 5 s. */
export function keepRunning(options: {
  readonly name: string;
  /** `signal` aborts when restarts stop. A process that is not ready yet must then be killed. */
  readonly spawn: (signal: AbortSignal) => Promise<ChildProcess>;
  /** Told of each unexpected end. `reason` is for the operator. */
  readonly onEnd: (reason: string) => void;
  readonly log: Logger;
}): Kept {
  const { name, spawn, onEnd, log } = options;
  const ending = new AbortController();
  const { signal } = ending;
  let child: ChildProcess | null = null;

  async function runOnce(): Promise<string> {
    try {
      child = await spawn(signal);
      if (signal.aborted) child.kill('SIGKILL');
      log.info({ child: name, pid: child.pid }, 'a process was started');
      return await endOf(child);
    } catch (error) {
      return (error as Error).message;
    } finally {
      child = null;
    }
  }

  async function run(): Promise<void> {
    for (let wait = FIRST_WAIT; ; wait = Math.min(wait * 2, LONGEST_WAIT)) {
      const since = Date.now();
      const reason = await runOnce();
      if (signal.aborted) return;
      log.warn({ child: name, reason }, 'a process ended; it is started again');
      onEnd(reason);
      if (Date.now() - since > HEALTHY_AFTER) wait = FIRST_WAIT;
      await sleep(wait, undefined, { signal }).catch(() => {});
      if (signal.aborted) return;
    }
  }
  const running = run();

  return {
    name,
    get connected() {
      return child?.connected ?? false;
    },
    send(message) {
      // A process that is ending loses the message; its successor starts from the data on disk.
      if (child?.connected) child.send(message, () => {});
    },
    kill(signal) {
      child?.kill(signal);
    },
    ended() {
      ending.abort();
      return running;
    },
  };
}

/** Resolves with the reason for a process's end, once all its messages have been received. */
function endOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    // Also emitted when a message cannot be delivered, which ends nothing. Only a process without an id never began.
    child.on('error', (error) => {
      if (child.pid === undefined) resolve(error.message);
    });
    child.once('exit', (code, signal) => {
      const reason = `ended (${signal ?? `exit code ${code}`})`;
      if (child.connected) child.once('disconnect', () => resolve(reason));
      else resolve(reason);
    });
  });
}
