import type { Clock } from '../../domain/clock.ts';
import type { CallHold, Hold } from '../../domain/hold.ts';
import type { HoldStore } from '../../domain/hold-store.ts';

/** Milliseconds between two polls. A failed hold is retried at the next one. */
const INTERVAL = 5_000;
/** Holds processed at once. Without a limit, a thousand approvals would fill a system's queue. */
const AT_ONCE = 64;

export type HoldPoller = {
  start(): void;
  /** Starts no more work; resolves when the work under way has ended. */
  stop(): Promise<void>;
  /** Polls once now. Resolves when every due hold is processed. */
  tick(): Promise<void>;
};

/**
 * Processes holds as they fall due: at once after a change, and by polling when no change was seen. Several processes
 * may poll for the same holds: a compare-and-swap in `processHold` lets one of them win.
 */
export function createHoldPoller(options: {
  readonly holds: Pick<HoldStore, 'watch'>;
  /** The holds that may be due. */
  readonly list: () => Promise<readonly CallHold[]>;
  /** When a hold is due, in milliseconds since the epoch; null if never. */
  readonly dueAt: (hold: CallHold) => number | null;
  readonly processHold: (hold: CallHold) => Promise<unknown>;
  readonly clock: Clock;
  /** Told why a hold, or the list (null), failed. It is retried. */
  readonly failed: (error: unknown, hold: Hold | null) => void;
}): HoldPoller {
  const { holds, list, dueAt, processHold, clock, failed } = options;
  const waiting = new Map<string, CallHold>();
  const running = new Map<string, Promise<void>>();
  const timers = new Set<NodeJS.Timeout>();
  let stopWatching = () => {};
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;

  function take(hold: CallHold): void {
    if (stopped || running.has(hold.id)) return;
    waiting.set(hold.id, hold);
    next();
  }

  function next(): void {
    for (const [id, hold] of waiting) {
      if (stopped || running.size >= AT_ONCE) return;
      waiting.delete(id);
      const processed = processHold(hold)
        .then(
          () => {},
          (error: unknown) => failed(error, hold),
        )
        .finally(() => {
          running.delete(id);
          next();
        });
      running.set(id, processed);
    }
  }

  function changed(hold: Hold): void {
    if (hold.kind !== 'approval') return;
    const at = dueAt(hold);
    if (at === null) return;
    const wait = at - clock();
    if (wait <= 0) take(hold);
    // A hold that is due later is found by polling.
    else if (wait < INTERVAL) {
      const soon = setTimeout(() => {
        timers.delete(soon);
        take(hold);
      }, wait);
      timers.add(soon);
    }
  }

  async function tick(): Promise<void> {
    try {
      for (const hold of await list()) {
        const at = dueAt(hold);
        if (at !== null && at <= clock()) take(hold);
      }
    } catch (error) {
      failed(error, null);
    }
    while (running.size > 0) await Promise.all(running.values());
  }

  return {
    start() {
      stopWatching = holds.watch(changed);
      timer = setInterval(() => void tick(), INTERVAL);
      void tick();
    },
    async stop() {
      stopped = true;
      stopWatching();
      clearInterval(timer);
      for (const soon of timers) clearTimeout(soon);
      await Promise.all(running.values());
    },
    tick,
  };
}
