import { setTimeout as sleep } from 'node:timers/promises';
import { assertCall, type CallHold } from '../../domain/hold.ts';
import { isRefusal, type HoldCommand } from '../../domain/hold-command.ts';
import type { HoldStore } from '../../domain/hold-store.ts';

const FIRST_WAIT = 500;
const LONGEST_WAIT = 5_000;

/** The outcome of an attempt to send. */
export type OutcomeCommand = Extract<HoldCommand, { type: 'executed' | 'failed' | 'indeterminate' }>;

export type Outcomes = {
  /**
   * Records the outcome on the hold and resolves with the updated hold. While the store is unavailable, resolves with
   * the hold unchanged and retries as long as the process lives. Never rejects.
   */
  record(hold: CallHold, outcome: OutcomeCommand): Promise<CallHold>;
  /** Like `record`, for an attempt that may not have been committed. Waits first, as the commit may be under way. */
  withdraw(hold: CallHold, outcome: OutcomeCommand): void;
  /** Resolves when all outcomes are recorded, or after `limit` ms. Then retries stop. */
  close(limit: number): Promise<void>;
};

/**
 * Records outcomes. If a process dies with an outcome, its hold stays `releasing`, is found and becomes
 * `indeterminate`.
 * @param refused told of an outcome that the hold no longer takes: the hold was settled as abandoned, or by a person
 */
export function createOutcomes(
  store: Pick<HoldStore, 'apply'>,
  refused: (hold: CallHold, outcome: OutcomeCommand, why: string) => void,
): Outcomes {
  const late = new Set<Promise<void>>();
  const closing = new AbortController();

  async function once(hold: CallHold, outcome: OutcomeCommand): Promise<CallHold> {
    const result = await store.apply(hold.id, outcome);
    if (!isRefusal(result)) return assertCall(result);
    // A refusal is expected for an attempt that was never committed.
    if (hold.attempt?.id === outcome.attempt) refused(hold, outcome, result.detail);
    return result.hold ? assertCall(result.hold) : hold;
  }

  function recordLater(hold: CallHold, outcome: OutcomeCommand): void {
    const trying = keepTrying(hold, outcome).finally(() => late.delete(trying));
    late.add(trying);
  }

  async function keepTrying(hold: CallHold, outcome: OutcomeCommand): Promise<void> {
    for (let wait = FIRST_WAIT; !closing.signal.aborted; wait = Math.min(wait * 2, LONGEST_WAIT)) {
      await sleep(wait, undefined, { signal: closing.signal, ref: false }).catch(() => {});
      const recorded = await once(hold, outcome).catch(() => null);
      if (recorded) return;
    }
  }

  return {
    async record(hold, outcome) {
      try {
        return await once(hold, outcome);
      } catch {
        recordLater(hold, outcome);
        return hold;
      }
    },
    withdraw: recordLater,
    async close(limit) {
      const enough = new AbortController();
      const { signal } = enough;
      await Promise.race([Promise.all(late), sleep(limit, undefined, { signal }).catch(() => {})]);
      enough.abort();
      closing.abort();
    },
  };
}
