import type { Logger } from 'pino';
import type { Decision } from '../domain/decision.ts';
import type { Event } from '../domain/event.ts';
import type { NotificationStore } from '../domain/notification.ts';

/** Milliseconds in which repeated blocks of one agent by one rule give one alert. */
const WINDOW = 5 * 60_000;

export type Alerts = {
  /** Notifies the groups of a blocked call (level 4). Never throws: the block does not depend on the alert. */
  raise(decision: Decision, event: Event): void;
  /** Resolves when every raised alert is stored or has failed. */
  settled(): Promise<void>;
};

/** @param failed called for each alert that could not be stored */
export function createAlerts(deps: {
  readonly notifications: Pick<NotificationStore, 'alert'>;
  readonly log: Logger;
  readonly failed: () => void;
}): Alerts {
  const { notifications, log, failed } = deps;
  const storing = new Set<Promise<void>>();
  /** Alerts that this process raised in the newest window; a repeat needs no transaction. */
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
      const stored = notifications
        .alert({ key, groups, event })
        .catch((err: unknown) => {
          raised.delete(key);
          failed();
          log.error(
            { err, decision_id: id },
            'the alert about a blocked call could not be stored; the call is blocked',
          );
        })
        .finally(() => storing.delete(stored));
      storing.add(stored);
    },
    async settled() {
      await Promise.all(storing);
    },
  };
}
