import type { Clock } from '../../domain/clock.ts';
import { isRefusal } from '../../domain/hold-command.ts';
import type { HoldStore } from '../../domain/hold-store.ts';
import type { System } from '../../domain/system.ts';
import { resendAfter } from './attempts.ts';

/**
 * Settles the holds that ended processes were releasing: it is unknown whether their calls arrived. Only calls to a
 * system declared idempotent are sent again; reviewers are told of all others.
 * @returns how many holds were settled
 */
export async function settleAbandoned(deps: {
  readonly holds: Pick<HoldStore, 'releasing' | 'apply'>;
  readonly systems: ReadonlyMap<string, Pick<System, 'idempotent'>>;
  /** Whether the process of this name has ended. */
  readonly ended: (name: string) => boolean;
  readonly clock: Clock;
}): Promise<number> {
  const { holds, systems, ended, clock } = deps;
  let abandoned = 0;
  for (const { id, attempt, system } of await holds.releasing()) {
    if (!attempt || !ended(attempt.by)) continue;
    const wait = systems.get(system)?.idempotent ? resendAfter(attempt.number) : null;
    const result = await holds.apply(id, {
      type: 'indeterminate',
      attempt: attempt.id,
      reason: 'the gateway process that was sending it ended',
      resendAt: wait === null ? null : clock() + wait,
    });
    if (!isRefusal(result)) abandoned += 1;
  }
  return abandoned;
}
