import type { ChildProcess } from 'node:child_process';
import type { Logger } from 'pino';

/** A process that ran for so long was healthy: after its end the waits start from the shortest again. */
const HEALTHY_AFTER = 30_000;
const FIRST_WAIT = 100;
const LONGEST_WAIT = 5_000;

/** One place in the gateway, and whichever process fills it now. */
export type Kept = {
  readonly name: string;
  readonly connected: boolean;
  /** To the process that is there now, if any; messages are not kept for the next one. */
  send(message: object): void;
  kill(signal: NodeJS.Signals): void;
  /** No more restarts; resolves when the process that is there now has ended. */
  ended(): Promise<void>;
};

/** Spawns a process, and spawns it again when it ends, after waits that grow from 100 ms to 5 s while it keeps ending. */
export function keepRunning(options: {
  readonly name: string;
  readonly spawn: () => Promise<ChildProcess>;
  /** Told of each end that nobody asked for; `reason` is for people. */
  readonly onEnd: (reason: string) => void;
  readonly log: Logger;
}): Kept {
  const { name, spawn, onEnd, log } = options;
  let child: ChildProcess | null = null;
  let last = false;
  let wait = FIRST_WAIT;
  let again: NodeJS.Timeout;
  let end = Promise.withResolvers<void>();

  async function run(): Promise<void> {
    const since = Date.now();
    let reason: string;
    try {
      const spawned = await spawn();
      child = spawned;
      reason = await new Promise<string>((resolve) => {
        spawned.once('exit', (code, signal) => resolve(`ended (${signal ?? `exit code ${code}`})`));
      });
    } catch (error) {
      reason = (error as Error).message;
    }
    child = null;
    end.resolve();
    if (last) return;
    log.warn({ process: name, reason }, 'a process ended; it is started again');
    onEnd(reason);
    end = Promise.withResolvers();
    if (Date.now() - since > HEALTHY_AFTER) wait = FIRST_WAIT;
    again = setTimeout(run, wait);
    wait = Math.min(wait * 2, LONGEST_WAIT);
  }
  void run();

  return {
    name,
    get connected() {
      return child?.connected ?? false;
    },
    send(message) {
      // A process that is just ending does not take it; its successor starts from what is on disk.
      if (child?.connected) child.send(message, () => {});
    },
    kill(signal) {
      child?.kill(signal);
    },
    async ended() {
      last = true;
      clearTimeout(again);
      if (child) await end.promise;
    },
  };
}
