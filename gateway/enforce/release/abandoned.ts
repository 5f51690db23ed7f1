import type { Clock } from '../../domain/clock.ts';
import { isRefusal } from '../../domain/hold-command.ts';
import type { HoldStore } from '../../domain/hold-store.ts';
import type { System } from '../../domain/system.ts';
import { resendAfter } from './attempts.ts';

/**
 * Settles what processes that have ended left in the middle: whether their calls arrived is unknown. Nothing is sent
 * again where the system is not declared idempotent, and people are told so.
 * @returns how many holds that were
 */
export async function settleAbandoned(deps: {
  readonly store: Pick<HoldStore, 'releasing' | 'apply'>;
  readonly systems: ReadonlyMap<string, Pick<System, 'idempotent'>>;
  /** Says of a process's name whether it has ended. */
  readonly ended: (name: string) => boolean;
  readonly clock: Clock;
}): Promise<number> {
  const { store, systems, ended, clock } = deps;
  let abandoned = 0;
  for (const { id, attempt, system } of await store.releasing()) {
    if (!attempt || !ended(attempt.by)) continue;
    const wait = systems.get(system)?.idempotent ? resendAfter(attempt.number) : null;
    const result = await store.apply(id, {
      type: 'indeterminate',
      attempt: attempt.id,
      reason: 'the gateway process that was sending it ended',
      resendAt: wait === null ? null : clock() + wait,
    });
    if (!isRefusal(result)) abandoned += 1;
  }
  return abandoned;
}
