import type { Clock } from '../../domain/clock.ts';
import type { HoldStore } from '../../domain/hold-store.ts';
import type { Releaser } from './release.ts';
import { createRounds, type Rounds } from './rounds.ts';

/** A system forgets its `Idempotency-Key`s, and then takes a call under one of them for a new one. Milliseconds. */
const KEY_REMEMBERED = 3_600_000;

/** Sends calls of unknown outcome again, as long as their holds say when. */
export function createResends(options: {
  readonly store: Pick<HoldStore, 'watch' | 'indeterminate' | 'apply'>;
  readonly releaser: Pick<Releaser, 'resend'>;
  readonly clock: Clock;
  readonly failed: Parameters<typeof createRounds>[0]['failed'];
}): Rounds {
  const { store, releaser, clock, failed } = options;
  return createRounds({
    store,
    list: () => store.indeterminate(),
    dueAt: ({ execution, resendAt }) => (execution === 'indeterminate' ? resendAt : null),
    async see(hold) {
      const age = clock() - (hold.attempt?.at ?? -Infinity);
      if (age <= KEY_REMEMBERED) return releaser.resend(hold);
      const reason = 'the last attempt was too long ago for the system to know its Idempotency-Key';
      return store.apply(hold.id, { type: 'leave-to-people', reason });
    },
    clock,
    failed,
  });
}
