import { isRefusal, type Hold, type HoldStore } from '../domain/hold.ts';
import type { Release } from './release.ts';

/** A release that could not be tried (policy or store unavailable) is tried again after so many milliseconds. */
const RETRY = 5_000;

/**
 * Releases approved holds whose callers were given a handle and may have left. Several processes may run this: the
 * compare-and-swap in `release` lets one win.
 * @param failed told why a release could not be tried; nothing was sent then
 */
export function createHandleReleases(options: {
  readonly store: Pick<HoldStore, 'watch' | 'releasable'>;
  readonly release: Release;
  readonly failed: (error: unknown, hold: Hold | null) => void;
}): { start(): void; stop(): Promise<void> } {
  const { store, release, failed } = options;
  const running = new Map<string, Promise<void>>();
  let stopWatching = () => {};
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;

  function tryRelease(hold: Hold): void {
    if (stopped || running.has(hold.id)) return;
    const attempt = release(hold, null)
      .then(
        () => {},
        (error) => failed(error, hold),
      )
      .finally(() => running.delete(hold.id));
    running.set(hold.id, attempt);
  }

  function sweep(): void {
    store.releasable().then(
      (holds) => holds.forEach(tryRelease),
      (error) => failed(error, null),
    );
  }

  return {
    start() {
      stopWatching = store.watch((hold) => {
        if (hold.handle && hold.status === 'approved' && hold.execution === 'none') tryRelease(hold);
      });
      timer = setInterval(sweep, RETRY);
      sweep();
    },
    async stop() {
      stopped = true;
      stopWatching();
      clearInterval(timer);
      await Promise.all(running.values());
    },
  };
}

/**
 * Settles what processes that have ended left in the middle: whether their calls arrived is unknown, so nothing is sent
 * again, and people are told so.
 * @param ended says of a process's name whether it has ended
 */
export async function abandonReleases(
  store: Pick<HoldStore, 'releasing' | 'apply'>,
  ended: (name: string) => boolean,
): Promise<number> {
  let abandoned = 0;
  for (const { id, attempt } of await store.releasing()) {
    if (!attempt || !ended(attempt.by)) continue;
    const reason = 'the gateway process that was sending it ended';
    const result = await store.apply(id, { type: 'indeterminate', attempt: attempt.id, reason });
    if (!isRefusal(result)) abandoned += 1;
  }
  return abandoned;
}
