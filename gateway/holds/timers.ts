import type { Clock } from '../domain/clock.ts';
import type { HoldStore } from '../domain/hold.ts';
import { overdueCommand } from './rows.ts';

const PRUNE_EVERY = 3_600_000;

export type HoldTimers = {
  start(): void;
  /** Stops; resolves when the round under way has ended. */
  stop(): Promise<void>;
  /** One round now: settles what is due. Resolves to how many holds it settled. */
  tick(): Promise<number>;
};

/**
 * Expires pending holds and lapses approvals whose time is over, and deletes what was kept long enough. Deadlines are
 * in the store, so a restart forgets none; a decision that is committed first wins against the timer.
 * @param options.interval milliseconds between two rounds
 * @param options.failed told why a round failed; the next one tries again
 */
export function createHoldTimers(options: {
  readonly store: Pick<HoldStore, 'due' | 'apply'> & { prune?(now: number): Promise<void> };
  readonly clock: Clock;
  readonly interval: number;
  readonly failed: (error: unknown) => void;
}): HoldTimers {
  const { store, clock, interval, failed } = options;
  let timer: NodeJS.Timeout | undefined;
  let round: Promise<unknown> = Promise.resolve();
  let pruneAt = 0;

  async function tick(): Promise<number> {
    const now = clock();
    let settled = 0;
    for (const hold of await store.due(now)) {
      const command = overdueCommand(hold, now);
      if (command && !('refused' in (await store.apply(hold.id, command)))) settled++;
    }
    if (now >= pruneAt) {
      await store.prune?.(now);
      pruneAt = now + PRUNE_EVERY;
    }
    return settled;
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
