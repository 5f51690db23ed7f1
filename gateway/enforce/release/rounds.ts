import type { Clock } from '../../domain/clock.ts';
import type { CallHold, Hold } from '../../domain/hold.ts';
import type { HoldStore } from '../../domain/hold-store.ts';

/** Milliseconds between two rounds. What could not be done is tried again then. */
const INTERVAL = 5_000;
/** So many holds are seen to at once; the others wait their turn, or a thousand approvals would fill a system's queue. */
const AT_ONCE = 64;

export type Rounds = {
  start(): void;
  /** Begins nothing more; resolves when what is under way has ended. */
  stop(): Promise<void>;
  /** One round now. Resolves when everything that was due is done. */
  tick(): Promise<void>;
};

/**
 * Sees to holds as they fall due: at once where a change tells of one, and on its rounds where nobody told. Several
 * processes may do the same rounds: the compare-and-swap in `see` lets one win.
 */
export function createRounds(options: {
  readonly store: Pick<HoldStore, 'watch'>;
  /** The holds that may need it. */
  readonly list: () => Promise<readonly CallHold[]>;
  /** When a hold needs it, in milliseconds since the epoch; null when it does not. */
  readonly dueAt: (hold: CallHold) => number | null;
  readonly see: (hold: CallHold) => Promise<unknown>;
  readonly clock: Clock;
  /** Told why something could not be done; it is tried again. */
  readonly failed: (error: unknown, hold: Hold | null) => void;
}): Rounds {
  const { store, list, dueAt, see, clock, failed } = options;
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
      const seen = see(hold)
        .then(
          () => {},
          (error: unknown) => failed(error, hold),
        )
        .finally(() => {
          running.delete(id);
          next();
        });
      running.set(id, seen);
    }
  }

  function heard(hold: Hold): void {
    if (hold.kind !== 'approval') return;
    const at = dueAt(hold);
    if (at === null) return;
    const wait = at - clock();
    if (wait <= 0) take(hold);
    // What is due later, the rounds find.
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
      stopWatching = store.watch(heard);
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
