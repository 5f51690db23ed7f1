import { createForwarder, type Forwarder } from '../../../gateway/enforce/forwarder.ts';
import { settleAbandoned } from '../../../gateway/enforce/release/abandoned.ts';
import { createOutcomes } from '../../../gateway/enforce/release/outcomes.ts';
import { createHandleReleases } from '../../../gateway/enforce/release/release-handles.ts';
import { createReleaser, type Releaser } from '../../../gateway/enforce/release/release.ts';
import { createResends } from '../../../gateway/enforce/release/resend.ts';
import { createCompose } from '../../../gateway/holds/notify/compose.ts';
import { createNotificationDelivery } from '../../../gateway/holds/notify/notification-delivery.ts';
import type { Send } from '../../../gateway/holds/notify/send.ts';
import { createPlanner } from '../../../gateway/holds/notify/planner.ts';
import { openHoldStore, type OwnedStore } from '../../../gateway/holds/store/store.ts';
import { createHoldTimers } from '../../../gateway/holds/timers.ts';
import type { Place } from '../../gateway/holds/store/engines.ts';
import { idleMeter, judgeBy } from '../../helpers/meter.ts';
import { digest, KEY } from '../../helpers/hold.ts';
import { decide, notifyAt, PEOPLE, systemsAt } from './cast.ts';

/** One round of something that a gateway does by itself. */
type Round = { tick(): Promise<unknown> };

/** The parts of a gateway that have to do with holds, real but for the clock and the policy. */
export type Gateway = {
  readonly name: string;
  readonly upstream: string;
  readonly store: OwnedStore;
  readonly releaser: Releaser;
  readonly timers: Round;
  readonly handles: Round;
  readonly resends: Round;
  readonly notifications: Round;
  /** Settles what these processes left in the middle. */
  takeOver(dead: readonly string[]): Promise<void>;
  /** What its clock says. */
  now: number;
};

export async function openGateway(options: {
  readonly name: string;
  readonly at: Place['at'];
  readonly upstream: string;
  readonly now: number;
  /** Told of what goes wrong beside the story. */
  readonly failed: (error: unknown) => void;
  /** Around everything that leaves the process. */
  readonly forwarding?: (forwarder: Forwarder) => Forwarder;
  readonly delivering?: (deliver: Send) => Send;
}): Promise<Gateway> {
  const { name, at, upstream, now, failed, forwarding = (own) => own, delivering = (own) => own } = options;
  const clock = () => gateway.now;
  const config = notifyAt(upstream);
  const compose = createCompose(config, PEOPLE, 'http://console.example.com/');
  const gateway = { now } as { -readonly [Part in keyof Gateway]: Gateway[Part] };
  const store = await openHoldStore({ ...at, key: KEY, node: name, clock, reviewers: PEOPLE, compose });
  const { holds, contents } = store;
  const systems = new Map(systemsAt(upstream).map((system) => [system.name, system]));
  const releaser = createReleaser({
    messages: { through: (_call, answer) => answer },
    holds,
    contents,
    senders: store.senders,
    judge: judgeBy(decide),
    digest,
    systems,
    clock,
    by: name,
    forwarder: forwarding(createForwarder([...systems.values()])),
    outcomes: createOutcomes(holds, (_hold, { type }, why) => failed(new Error(`${type} was refused: ${why}`))),
    meter: idleMeter,
    released: () => {},
    isStopped: () => false,
    whyNotPermitted: () => null,
  });
  const rounds = { holds, releaser, clock, failed };
  const deliver: Send = async (...message) => {
    // Few stories get that far, and it takes a while to load.
    const { createNotifier } = await import('../../../gateway/holds/notify/notifier.ts');
    return await createNotifier(config, { clock }).deliver(...message);
  };
  return Object.assign(gateway, {
    name,
    upstream,
    store,
    releaser,
    timers: createHoldTimers({ holds, prune: (until) => store.prune(until), clock, interval: 1_000, failed }),
    handles: createHandleReleases(rounds),
    resends: createResends(rounds),
    notifications: createNotificationDelivery({
      notifications: store.notifications,
      planner: createPlanner({ ...store, seenAt: () => null }),
      notifier: { deliver: delivering(deliver) },
      clock,
      interval: 1_000,
      failed,
    }),
    async takeOver(dead: readonly string[]) {
      await settleAbandoned({ holds, systems, ended: (other) => dead.includes(other), clock });
    },
  });
}
