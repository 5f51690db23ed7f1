import { setTimeout as sleep } from 'node:timers/promises';
import { isConclusive, isOwed, type CallHold } from '../../domain/hold.ts';
import { isRefusal, type HoldCommand } from '../../domain/hold-command.ts';
import type { HoldStore } from '../../domain/hold-store.ts';

const FIRST_WAIT = 100;
const LONGEST_WAIT = 5_000;

/** A caller that is being answered. */
export type Listener = {
  /** Calls `closed` once, when the caller has the answer or has left. */
  onClose(closed: () => void): void;
  /** Whether the caller left before it had the whole answer. */
  readonly gone: boolean;
  /** Whether the answer was kept back for the caller's next call. */
  readonly keptBack: boolean;
};

/**
 * Tells the store which callers know how their calls ended. The end that no caller knows answers the next identical call.
 *
 * What was executed counts as told only once a caller has the whole answer. A crash before that is recorded leads to the
 * same answer once more, and to no second execution.
 */
export type Tellings = {
  /** Before a caller is told. Returns the hold as it then is; while the store is unavailable, as it was. Never rejects. */
  begin(hold: CallHold): Promise<CallHold>;
  /**
   * Follows a caller that this process tells how the call ended.
   * @param isSent this process has sent the call for the caller, and the store may not know the outcome yet
   */
  follow(hold: CallHold, caller: Listener, isSent?: boolean): void;
  /** Resolves when everything so far is recorded. */
  settled(): Promise<void>;
};

/** @param by names this process */
export function createTellings(holds: Pick<HoldStore, 'apply'>, by: string): Tellings {
  const recording = new Set<Promise<void>>();

  async function apply(hold: CallHold, command: HoldCommand): Promise<CallHold> {
    const result = await holds.apply(hold.id, command);
    return isRefusal(result) || result.kind !== 'approval' ? hold : result;
  }

  /** Tries again while the store is unavailable, or while it does not know yet that the call was executed. */
  async function record(hold: CallHold, command: HoldCommand): Promise<void> {
    for (let wait = FIRST_WAIT; ; wait = Math.min(2 * wait, LONGEST_WAIT)) {
      const result = await holds.apply(hold.id, command).catch(() => null);
      const isEarly = result !== null && isRefusal(result) && result.hold?.execution === 'releasing';
      if (result !== null && !isEarly) return;
      await sleep(wait, undefined, { ref: false });
    }
  }

  return {
    async begin(hold) {
      if (!isOwed(hold) || hold.owed.by === by || !isConclusive(hold)) return hold;
      return await apply(hold, hold.execution === 'none' ? { type: 'told' } : { type: 'tell', by }).catch(() => hold);
    },
    follow(hold, caller, isSent = false) {
      const isTelling = isOwed(hold) ? hold.owed.by === by : isSent && hold.execution === 'releasing';
      if (!isTelling) return;
      caller.onClose(() => {
        const isMissed = caller.gone || caller.keptBack;
        const recorded = record(hold, isMissed ? { type: 'missed', by } : { type: 'told' });
        recording.add(recorded);
        void recorded.finally(() => recording.delete(recorded));
      });
    },
    settled: async () => void (await Promise.all(recording)),
  };
}
