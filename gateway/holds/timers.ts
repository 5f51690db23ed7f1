import type { Clock } from '../domain/clock.ts';
import type { HoldStore } from '../domain/hold-store.ts';
import { dueCommand } from './deadlines.ts';

const PRUNE_EVERY = 3_600_000;

export type HoldTimers = {
  start(): void;
  /** Stops; resolves when the round under way has ended. */
  stop(): Promise<void>;
  /** One round now: does what is due. Resolves to how many holds it changed. */
  tick(): Promise<number>;
};

/**
 * Reminds and escalates while a hold is undecided, expires pending holds and lapses approvals past their deadlines, and
 * deletes what was kept long enough. Deadlines are in the store, so a restart forgets none; of several gateways' timers
 * the compare-and-swap lets one win, and a decision that is committed first wins against all of them.
 * @param options.interval milliseconds between two rounds
 * @param options.failed told why a round failed; the next one tries again
 */
export function createHoldTimers(options: {
  readonly holds: Pick<HoldStore, 'due' | 'apply'>;
  /** Deletes what was kept long enough. */
  readonly prune: (now: number) => Promise<void>;
  readonly clock: Clock;
  readonly interval: number;
  readonly failed: (error: unknown) => void;
}): HoldTimers {
  const { holds, prune, clock, interval, failed } = options;
  let timer: NodeJS.Timeout | undefined;
  let round: Promise<unknown> = Promise.resolve();
  let pruneAt = 0;

  async function tick(): Promise<number> {
    const now = clock();
    let changed = 0;
    for (const hold of await holds.due(now)) {
      const command = dueCommand(hold, now);
      if (command && !('refused' in (await holds.apply(hold.id, command)))) changed++;
    }
    if (now >= pruneAt) {
      await prune(now);
      pruneAt = now + PRUNE_EVERY;
    }
    return changed;
  }

  function schedule(): void {
    timer = setTimeout(() => {
      round = tick()
        .catch(failed)
        .finally(() => {
          if (timer) schedule();
        });
    }, interval);
  }

  return {
    start() {
      if (!timer) schedule();
    },
    async stop() {
      clearTimeout(timer);
      timer = undefined;
      await round;
    },
    tick,
  };
}
