import type { Clock } from '../../domain/clock.ts';
import type { HoldStore } from '../../domain/hold-store.ts';
import type { Releaser } from './release.ts';
import { createRounds, type Rounds } from './rounds.ts';

/** Releases approved holds whose callers were given a handle and may have left. */
export function createHandleReleases(options: {
  readonly store: Pick<HoldStore, 'watch' | 'releasable'>;
  readonly releaser: Pick<Releaser, 'release'>;
  readonly clock: Clock;
  readonly failed: Parameters<typeof createRounds>[0]['failed'];
}): Rounds {
  const { store, releaser, clock, failed } = options;
  return createRounds({
    store,
    list: () => store.releasable(),
    dueAt: ({ handle, status, execution }) => (handle && status === 'approved' && execution === 'none' ? 0 : null),
    see: (hold) => releaser.release(hold, null),
    clock,
    failed,
  });
}
