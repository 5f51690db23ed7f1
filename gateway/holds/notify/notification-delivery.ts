import type { Clock } from '../../domain/clock.ts';
import type { Notification, NotificationOutcome, NotificationStore } from '../../domain/notification.ts';
import { DeliveryError } from './delivery-error.ts';
import type { Notifier } from './notifier.ts';
import type { Planner } from './planner.ts';

/** Messages that one process delivers at the same time. */
const AT_ONCE = 16;
/** For how long no other process takes a message that was taken: more than the longest attempt takes. */
const LEASE = 120_000;
/** How long a place that does not answer is left alone, so that it cannot occupy everybody else's turn. */
const REST = 30_000;
/** The first wait; each further one is twice as long, up to the longest. */
const SHORTEST_WAIT = 10_000;
const LONGEST_WAIT = 3_600_000;
/** Takes about a day. Then a message is given up; people can have it sent again. */
const MOST_ATTEMPTS = 32;
/** How long `stop` waits for messages under way. */
const PATIENCE = 2_000;

export type NotificationDelivery = {
  start(): void;
  /** Takes no more; waits up to two seconds for what is under way. What is late is sent again later, under the same id. */
  stop(): Promise<void>;
  /** One round now. Resolves to how many messages it took. */
  tick(): Promise<number>;
};

/**
 * Delivers the messages in the store, at least once each. Several gateways may do so on one store.
 * @param options.interval milliseconds between two looks for messages that are due
 * @param options.failed told of what is not the other side's fault
 * @param options.counted told how every attempt ended; `failed` is tried again
 */
export function createNotificationDelivery(options: {
  readonly notifications: Pick<NotificationStore, 'take' | 'settle'>;
  readonly planner: Planner;
  readonly notifier: Pick<Notifier, 'deliver'>;
  readonly clock: Clock;
  readonly interval: number;
  readonly failed: (error: unknown) => void;
  readonly counted?: (channel: string, outcome: 'sent' | 'failed' | 'dead') => void;
  readonly random?: () => number;
}): NotificationDelivery {
  const { notifications, planner, notifier, clock, interval, failed } = options;
  const { counted = () => {}, random = Math.random } = options;
  const resting = new Map<string, number>();
  const rounds = new Set<Promise<unknown>>();
  let free = AT_ONCE;
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;

  async function tick(): Promise<number> {
    let taken = 0;
    for (;;) {
      // A round that waits for a slow place holds no more than its own turns: the next one goes on with those that are free.
      const turns = free;
      if (turns === 0 || stopped) return taken;
      free = 0;
      let due: Notification[] = [];
      try {
        const now = clock();
        due = await notifications.take(now, now + LEASE, turns);
      } finally {
        free += turns - due.length;
      }
      taken += due.length;
      await Promise.all(
        due.map((notification) =>
          settle(notification)
            .catch(failed)
            .finally(() => (free += 1)),
        ),
      );
      if (due.length < turns) return taken;
    }
  }

  async function settle(notification: Notification): Promise<void> {
    await notifications.settle(notification.id, await attempt(notification));
  }

  async function attempt(notification: Notification): Promise<NotificationOutcome> {
    const { channel } = notification;
    const rest = (resting.get(channel) ?? 0) - clock();
    if (rest > 0) return later(notification, 'not tried: the target did not answer for other messages', rest);
    try {
      const plan = await planner.plan(notification, clock());
      if ('state' in plan) return plan;
      const receipt = await notifier.deliver(notification, plan.send);
      resting.delete(channel);
      counted(channel, 'sent');
      const isDigest = notification.kind === 'digest';
      return { state: 'sent', receipt, ...(isDigest && { contained: plan.send.map(({ id }) => id) }) };
    } catch (error) {
      const outcome = afterFailure(notification, error);
      counted(channel, outcome.state === 'dead' ? 'dead' : 'failed');
      return outcome;
    }
  }

  function afterFailure(notification: Notification, error: unknown): NotificationOutcome {
    if (!(error instanceof DeliveryError)) {
      failed(error);
      return later(notification, 'the message could not be made; the log says why', 0);
    }
    const { because, message, retryAfter } = error;
    if (because === 'gone') return { state: 'dead', error: message };
    if (because === 'unreachable' || retryAfter !== null)
      resting.set(notification.channel, clock() + (retryAfter ?? REST));
    return later(notification, message, retryAfter ?? 0);
  }

  /** `atLeast` in milliseconds. Spread, so that what failed together does not come back together. */
  function later({ attempts }: Notification, error: string, atLeast: number): NotificationOutcome {
    if (attempts >= MOST_ATTEMPTS) return { state: 'dead', error };
    const backoff = Math.min(SHORTEST_WAIT * 2 ** (attempts - 1), LONGEST_WAIT);
    const spread = random() / 2;
    const wait = Math.max(backoff * (0.75 + spread), atLeast * (1 + spread));
    return { state: 'waiting', nextAt: clock() + Math.round(wait), error };
  }

  return {
    start() {
      timer ??= setInterval(() => {
        const round = tick()
          .catch(failed)
          .finally(() => rounds.delete(round));
        rounds.add(round);
      }, interval);
    },
    async stop() {
      stopped = true;
      clearInterval(timer);
      const patience = new Promise<void>((resolve) => setTimeout(resolve, PATIENCE).unref());
      await Promise.race([Promise.all(rounds), patience]);
    },
    tick,
  };
}
