import type { Hold, HoldStore } from '../domain/hold.ts';

export type WaitingRoom = {
  /**
   * Resolves when nothing stands between the hold and its end but this caller: people have decided and nobody is
   * releasing it. Resolves with the hold as it then stands after `patience` ms, when the caller is gone, and at a drain.
   */
  wait(hold: Hold, patience: number, onGone: (leave: () => void) => void): Promise<Hold>;
  /** Sends everybody home, and whoever comes later. */
  drain(): void;
  readonly draining: boolean;
  readonly size: number;
};

/** Where the callers of held calls wait. A waiting caller is a socket, a timer and an entry here; the call is in the store. */
export function createWaitingRoom(store: Pick<HoldStore, 'watch' | 'find'>): WaitingRoom {
  const waiting = new Map<string, Set<(hold: Hold | null) => void>>();
  let stopWatching: (() => void) | null = null;
  let draining = false;
  let size = 0;

  function changed(hold: Hold): void {
    if (isOpen(hold)) return;
    for (const tell of waiting.get(hold.id) ?? []) tell(hold);
  }

  return {
    async wait(hold, patience, onGone) {
      if (!isOpen(hold) || patience <= 0 || draining) return hold;
      stopWatching ??= store.watch(changed);
      return new Promise((resolve, reject) => {
        const here = waiting.get(hold.id) ?? new Set();
        waiting.set(hold.id, here.add(leave));
        size += 1;
        const timer = setTimeout(leave, patience, null);
        onGone(() => leave(null));
        // It may have been decided between its reading and the start of the watch.
        store.find(hold.id).then((now) => (now && !isOpen(now) ? leave(now) : undefined), reject);

        function leave(latest: Hold | null): void {
          if (!here.delete(leave)) return;
          clearTimeout(timer);
          size -= 1;
          if (here.size === 0) waiting.delete(hold.id);
          if (size === 0) {
            stopWatching?.();
            stopWatching = null;
          }
          if (latest) resolve(latest);
          else store.find(hold.id).then((now) => resolve(now ?? hold), reject);
        }
      });
    },
    drain() {
      draining = true;
      for (const here of waiting.values()) for (const leave of here) leave(null);
    },
    get draining() {
      return draining;
    },
    get size() {
      return size;
    },
  };
}

/** Still undecided, or being released by somebody. */
function isOpen(hold: Hold): boolean {
  return hold.status === 'pending' || hold.execution === 'releasing';
}
