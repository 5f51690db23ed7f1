import type { Clock } from '../../domain/clock.ts';
import type { HoldStore } from '../../domain/hold-store.ts';
import type { Releaser } from './release.ts';
import { createHoldPoller, type HoldPoller } from './hold-poller.ts';

/** Releases approved holds of callers that took a handle and may have left. */
export function createHandleReleases(options: {
  readonly holds: Pick<HoldStore, 'watch' | 'releasable'>;
  readonly releaser: Pick<Releaser, 'release'>;
  readonly clock: Clock;
  readonly failed: Parameters<typeof createHoldPoller>[0]['failed'];
}): HoldPoller {
  const { holds, releaser, clock, failed } = options;
  return createHoldPoller({
    holds,
    list: () => holds.releasable(),
    dueAt: ({ handle, status, execution }) => (handle && status === 'approved' && execution === 'none' ? 0 : null),
    processHold: (hold) => releaser.release(hold, null),
    clock,
    failed,
  });
}
