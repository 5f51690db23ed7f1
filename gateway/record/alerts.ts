import type { Logger } from 'pino';
import type { Decision } from '../domain/decision.ts';
import type { Event } from '../domain/event.ts';
import type { HoldStore } from '../domain/hold-store.ts';

/** An agent that hammers at the same rule alerts people once in so many milliseconds. */
const WINDOW = 5 * 60_000;

export type Alerts = {
  /** Has the groups told that a call was blocked (level 4). Never throws: the block stands, whoever hears of it. */
  raise(decision: Decision, event: Event): void;
  /** Resolves when what was raised is stored, or could not be. */
  settled(): Promise<void>;
};

/** @param failed counts an alert that could not be stored */
export function createAlerts(deps: {
  readonly notices: Pick<HoldStore['notices'], 'alert'>;
  readonly log: Logger;
  readonly failed: () => void;
}): Alerts {
  const { notices, log, failed } = deps;
  const storing = new Set<Promise<void>>();
  /** Those of the newest window that this process has raised: others are not worth a transaction. */
  let raised = new Set<string>();
  let window = 0;

  return {
    raise({ id, alert: groups, rules }, event) {
      const current = Math.floor(event.at / WINDOW);
      if (current !== window) {
        window = current;
        raised = new Set();
      }
      const key = [event.agent, rules[0]?.id, current].join(' ');
      if (raised.has(key)) return;
      raised.add(key);
      const stored = notices
        .alert({ key, groups, event })
        .catch((err: unknown) => {
          raised.delete(key);
          failed();
          log.error({ err, decision_id: id }, 'people could not be told of a blocked call; it is blocked all the same');
        })
        .finally(() => storing.delete(stored));
      storing.add(stored);
    },
    async settled() {
      await Promise.all(storing);
    },
  };
}
