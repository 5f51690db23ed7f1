import type { Clock } from '../../domain/clock.ts';
import type { HoldStore } from '../../domain/hold-store.ts';
import type { Releaser } from './release.ts';
import { createHoldPoller, type HoldPoller } from './hold-poller.ts';

/**
 * Milliseconds for which a system is trusted to remember an `Idempotency-Key`. Later it would execute the call again.
 */
const KEY_REMEMBERED = 3_600_000;

/** Sends calls of unknown outcome again, when their holds are due for it. */
export function createResends(options: {
  readonly holds: Pick<HoldStore, 'watch' | 'indeterminate' | 'apply'>;
  readonly releaser: Pick<Releaser, 'resend'>;
  readonly clock: Clock;
  readonly failed: Parameters<typeof createHoldPoller>[0]['failed'];
}): HoldPoller {
  const { holds, releaser, clock, failed } = options;
  return createHoldPoller({
    holds,
    list: () => holds.indeterminate(),
    dueAt: ({ execution, resendAt }) => (execution === 'indeterminate' ? resendAt : null),
    async processHold(hold) {
      const age = clock() - (hold.attempt?.at ?? -Infinity);
      if (age <= KEY_REMEMBERED) return releaser.resend(hold);
      const reason = 'the last attempt was too long ago for the system to know its Idempotency-Key';
      return holds.apply(hold.id, { type: 'leave-to-people', reason });
    },
    clock,
    failed,
  });
}
