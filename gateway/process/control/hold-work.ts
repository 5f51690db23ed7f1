import type { Logger } from 'pino';
import { Counter, type Registry } from 'prom-client';
import type { Enforcement } from '../../agents/enforcement.ts';
import type { Config } from '../../config/config.ts';
import type { Clock } from '../../domain/clock.ts';
import type { OwnedStore } from '../../holds/store/store.ts';
import { supersedeMoved } from '../../enforce/release/moved.ts';
import { createReleases, unlessAway, type Releases } from '../../enforce/release/releases.ts';
import { createLooks } from '../../holds/notify/looks.ts';
import { createNotificationDelivery } from '../../holds/notify/notification-delivery.ts';
import { createNotifier } from '../../holds/notify/notifier.ts';
import { createPlanner } from '../../holds/notify/planner.ts';
import { createHoldTimers } from '../../holds/timers.ts';
import type { Runs } from '../messages.ts';

/** Milliseconds between two polls for due holds. */
const TIMER_INTERVAL = 500;
/** Milliseconds between two polls for notifications to send. */
const NOTIFICATION_INTERVAL = 500;

/** Control's work on holds: releases for callers that left, timers and notifications. */
type HoldWork = {
  readonly releases: Releases;
  /** A person who may decide it looks at a hold. */
  looked(holdId: string): void;
  start(): void;
  /** Notifies as another configuration says. */
  configure(config: Config): void;
  /** Starts no more work; waits up to `limit` ms for releases under way. */
  stop(limit: number): Promise<void>;
};

export function createHoldWork(deps: {
  readonly config: Config;
  readonly enforcement: Enforcement;
  readonly store: OwnedStore;
  readonly instance: string;
  readonly runs: Runs;
  readonly alive: readonly string[];
  readonly registry: Registry;
  readonly log: Logger;
  readonly clock: Clock;
}): HoldWork {
  const { config, enforcement, store, registry, log, clock } = deps;
  const { releaser, outcomes, forwarder, systems } = enforcement;
  const { instance, runs, alive } = deps;
  const releases = createReleases({
    holds: store.holds,
    runs: store.runs,
    senders: store.senders,
    releaser,
    outcomes,
    forwarder,
    systems,
    instance,
    run: runs.run,
    endedRun: runs.earlier,
    alive,
    log,
    clock,
  });
  const failing = (message: string) => (err: unknown) => unlessAway(err, () => log.error({ err }, message));
  const timers = createHoldTimers({
    holds: store.holds,
    prune: (now) => store.prune(now),
    clock,
    interval: TIMER_INTERVAL,
    failed: failing('due holds could not be settled; retrying'),
  });
  const notified = new Counter({
    name: 'holdpoint_notices_total',
    help: 'Notification delivery attempts, by channel and outcome',
    labelNames: ['channel', 'outcome'],
    registers: [registry],
  });
  const looks = createLooks(clock);
  let notifier = createNotifier(config.notify, { clock });
  const delivery = createNotificationDelivery({
    notifications: store.notifications,
    planner: createPlanner({ ...store, seenAt: looks.last }),
    notifier: { deliver: (...message) => notifier.deliver(...message) },
    clock,
    interval: NOTIFICATION_INTERVAL,
    failed: failing('notifications could not be sent; retrying'),
    counted: (channel, outcome) => notified.inc({ channel, outcome }),
  });
  return {
    releases,
    looked: looks.looked,
    start() {
      supersedeMoved({ holds: store.holds, systems, isGranted: enforcement.isGranted }).then(
        (superseded) => superseded > 0 && log.warn({ superseded }, 'holds were superseded: the configuration changed'),
        failing('holds could not be compared with the configuration'),
      );
      releases.start();
      timers.start();
      delivery.start();
    },
    configure({ notify }) {
      notifier = createNotifier(notify, { clock });
    },
    async stop(limit) {
      await Promise.all([timers.stop(), delivery.stop(), releases.stop(limit)]);
    },
  };
}
