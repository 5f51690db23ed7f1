import type { ServerResponse } from 'node:http';
import { afterEach, describe, expect, test, vi } from 'vitest';
import type { NotificationDraft } from '../../../../gateway/domain/notification.ts';
import {
  createNotificationDelivery,
  type NotificationDelivery,
} from '../../../../gateway/holds/notify/notification-delivery.ts';
import { createNotifier } from '../../../../gateway/holds/notify/notifier.ts';
import { createPlanner } from '../../../../gateway/holds/notify/planner.ts';
import { openHoldStore, type OwnedStore } from '../../../../gateway/holds/store/store.ts';
import { KEY } from '../../../helpers/hold.ts';
import { startUpstream, type Upstream } from '../../../helpers/upstream.ts';
import { engines, type Place } from '../store/engines.ts';
import { SECRET } from './a-notification.ts';

const SECOND = 1_000;
const HOUR = 3_600_000;
const START = Date.parse('2026-11-24T10:00:00Z');

type Options = Parameters<typeof createNotificationDelivery>[0];

describe.each(engines)('messages kept in $name', (engine) => {
  const cleanups: (() => Promise<unknown>)[] = [];
  let now = START;

  afterEach(async () => {
    for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
    now = START;
  });

  async function target(respond: (response: ServerResponse) => void = (response) => response.end()): Promise<Upstream> {
    const server = await startUpstream((_, response) => respond(response));
    cleanups.push(() => server.close());
    return server;
  }

  async function place(): Promise<Place> {
    const made = await engine.place();
    cleanups.push(() => made.remove());
    return made;
  }

  /** Opens the store of one gateway. An alert for the groups `a` and `b` makes one message to `webhook/a` and one to `webhook/b`. */
  async function openStore({ at }: Place): Promise<OwnedStore> {
    const store = await openHoldStore({
      ...at,
      key: KEY,
      node: 'test',
      clock: () => now,
      reviewers: [],
      compose: (trigger) =>
        trigger.kind === 'alert'
          ? trigger.groups.map((group): NotificationDraft => ({
              kind: 'alert',
              holdId: null,
              channel: `webhook/${group}`,
              to: null,
              payload: JSON.stringify({ type: 'call.blocked', data: { reason: trigger.event.reason } }),
            }))
          : [],
    });
    cleanups.push(() => store.close());
    return store;
  }

  let alerts = 0;
  async function alert(store: OwnedStore, ...groups: string[]): Promise<void> {
    alerts += 1;
    const key = `alert-${alerts}`;
    await store.notifications.alert({
      key,
      groups,
      event: { event_id: key, at: now, node: 'test', type: 'call.decided', layer: 'decide', reason: key },
    });
  }

  /** A gateway that delivers to the webhooks `a`, `b`, … */
  function deliver(
    store: OwnedStore,
    targets: Readonly<Record<string, string>>,
    options: Partial<Options> & { timeout?: number } = {},
  ): NotificationDelivery {
    const webhooks = Object.fromEntries(Object.entries(targets).map(([name, url]) => [name, { url, secret: SECRET }]));
    const { timeout, ...rest } = options;
    return createNotificationDelivery({
      notifications: store.notifications,
      planner: createPlanner({ ...store, seenAt: () => null }),
      notifier: createNotifier(
        { webhooks, slack: {} },
        {
          clock: () => now,
          ...(timeout !== undefined && { timeout }),
        },
      ),
      clock: () => now,
      interval: 10,
      random: () => 0.5,
      failed(error) {
        throw error;
      },
      ...rest,
    });
  }

  const idsOf = ({ received }: Upstream) => received.map(({ headers }) => headers['webhook-id']);
  const deadOf = async (store: OwnedStore) => (await store.notifications.list({ state: 'dead', limit: 10 })).items;

  test('messages are delivered once', async () => {
    const a = await target();
    const store = await openStore(await place());
    const counted = vi.fn<NonNullable<Options['counted']>>();
    const delivery = deliver(store, { a: a.url }, { counted });
    await alert(store, 'a');
    expect(await delivery.tick()).toBe(1);
    now += 24 * HOUR;
    expect(await delivery.tick()).toBe(0);
    expect(a.received).toHaveLength(1);
    expect(counted.mock.calls).toEqual([['webhook/a', 'sent']]);
  });

  test('messages are tried again, each time after twice the wait up to an hour, for a day; then they are dead, on record and can be sent again', async () => {
    let status = 500;
    const a = await target((response) => response.writeHead(status).end());
    const store = await openStore(await place());
    const counted = vi.fn<NonNullable<Options['counted']>>();
    const delivery = deliver(store, { a: a.url }, { counted });
    await alert(store, 'a');

    expect(await delivery.tick()).toBe(1);
    for (let attempt = 1; attempt < 32; attempt++) {
      const wait = Math.min(10 * SECOND * 2 ** (attempt - 1), HOUR);
      now += wait - 1;
      expect(await delivery.tick()).toBe(0);
      expect(await deadOf(store)).toEqual([]);
      now += 1;
      expect(await delivery.tick()).toBe(1);
    }
    expect(Math.round((now - START) / HOUR)).toBe(23);
    now += 24 * HOUR;
    expect(await delivery.tick()).toBe(0);
    expect(a.received).toHaveLength(32);
    const [dead] = await deadOf(store);
    expect(dead).toMatchObject({ state: 'dead', channel: 'webhook/a', error: 'HTTP 500' });
    expect(new Set(idsOf(a))).toEqual(new Set([dead!.id]));
    expect(counted.mock.calls.map(([, outcome]) => outcome)).toEqual([...Array<string>(31).fill('failed'), 'dead']);
    const events = (await store.outbox.read(0, 10)).map(({ event }) => event);
    expect(events).toMatchObject([{ type: 'notice.dead', channel: 'webhook/a', reason: 'HTTP 500' }]);

    status = 200;
    await store.notifications.resend(dead!.id);
    expect(await delivery.tick()).toBe(1);
    expect(a.received).toHaveLength(33);
    expect(idsOf(a).at(-1)).toBe(dead!.id);
    expect(await deadOf(store)).toEqual([]);
  });

  test('messages that failed together do not come back together', async () => {
    const a = await target((response) => response.writeHead(500).end());
    const store = await openStore(await place());
    const spread = [0, 0.9999];
    const delivery = deliver(store, { a: a.url }, { random: () => spread.shift() ?? 0.5 });
    await alert(store, 'a');
    await alert(store, 'a');
    expect(await delivery.tick()).toBe(2);
    now += 7_500;
    expect(await delivery.tick()).toBe(1);
    now = START + 12_500;
    expect(await delivery.tick()).toBe(1);
  });

  test('messages are dead at once where the target is gone', async () => {
    const a = await target((response) => response.writeHead(410).end());
    const store = await openStore(await place());
    await alert(store, 'a');
    await deliver(store, { a: a.url }).tick();
    expect(await deadOf(store)).toMatchObject([{ error: expect.stringMatching(/^HTTP 410/) }]);
  });

  test('messages wait as long as the target asks, and so do others for it', async () => {
    let status = 429;
    const a = await target((response) => response.writeHead(status, { 'retry-after': '600' }).end());
    const b = await target();
    const store = await openStore(await place());
    const delivery = deliver(store, { a: a.url, b: b.url });
    await alert(store, 'a');
    await delivery.tick();
    await alert(store, 'a', 'b');
    await delivery.tick();
    expect([a.received.length, b.received.length]).toEqual([1, 1]);
    status = 200;
    now += 600 * SECOND - 1;
    expect(await delivery.tick()).toBe(0);
    now += 151 * SECOND;
    expect(await delivery.tick()).toBe(2);
    expect(a.received).toHaveLength(3);
  });

  test('messages for a target that hangs do not keep others waiting', async () => {
    const hanging = await target(() => {});
    const b = await target();
    const store = await openStore(await place());
    const delivery = deliver(store, { hanging: hanging.url, b: b.url }, { timeout: 300 });
    for (let i = 0; i < 40; i++) await alert(store, 'hanging');
    for (let i = 0; i < 5; i++) await alert(store, 'b');
    expect(await delivery.tick()).toBe(45);
    expect(b.received).toHaveLength(5);
    // As many as one process delivers at a time; then the target is left alone.
    expect(hanging.received).toHaveLength(16);
  });

  test('messages are delivered by other rounds while one waits for a target that hangs', async () => {
    const hanging = await target(() => {});
    const b = await target();
    const store = await openStore(await place());
    const delivery = deliver(store, { hanging: hanging.url, b: b.url });
    await alert(store, 'hanging');
    const waiting = delivery.tick();
    await vi.waitFor(() => expect(hanging.received).toHaveLength(1));
    await alert(store, 'b');
    expect(await delivery.tick()).toBe(1);
    expect(b.received).toHaveLength(1);
    await hanging.close();
    expect(await waiting).toBe(1);
  });

  test('messages are each sent by one of several gateways', async () => {
    const a = await target();
    const here = await place();
    const [one, other] = [await openStore(here), await openStore(here)];
    for (let i = 0; i < 60; i++) await alert(one, 'a');
    const counts = await Promise.all([one, other].map((store) => deliver(store, { a: a.url }).tick()));
    expect(counts[0]! + counts[1]!).toBe(60);
    expect(new Set(idsOf(a)).size).toBe(60);
    expect(a.received).toHaveLength(60);
  });

  test('messages that a gateway is delivering are not taken by another; what a crash left is sent again under the same id', async () => {
    const answers: ServerResponse[] = [];
    const a = await target((response) => answers.push(response));
    const here = await place();
    const [one, other] = [await openStore(here), await openStore(here)];
    await alert(one, 'a');
    const crashed = deliver({ ...one, notifications: { ...one.notifications, settle: async () => {} } }, { a: a.url });
    const underWay = crashed.tick();
    await vi.waitFor(() => expect(answers).toHaveLength(1));
    // Longer than any attempt takes.
    now += 30 * SECOND;
    const delivery = deliver(other, { a: a.url });
    expect(await delivery.tick()).toBe(0);
    answers[0]!.end();
    await underWay;

    now += 120 * SECOND;
    const again = delivery.tick();
    await vi.waitFor(() => expect(answers).toHaveLength(2));
    answers[1]!.end();
    expect(await again).toBe(1);
    expect(new Set(idsOf(a)).size).toBe(1);
  });

  test('messages that cannot be made are a fault of ours: reported, and tried again', async () => {
    const store = await openStore(await place());
    const failed = vi.fn<(error: unknown) => void>();
    const broken = { deliver: () => Promise.reject(new Error('a bug with a secret in it')) };
    const settled: unknown[] = [];
    const notifications: Options['notifications'] = {
      take: store.notifications.take,
      async settle(id, outcome) {
        settled.push(outcome);
        await store.notifications.settle(id, outcome);
      },
    };
    await alert(store, 'a');
    await deliver(store, {}, { notifier: broken, failed, notifications }).tick();
    expect(failed).toHaveBeenCalledTimes(1);
    expect(settled).toEqual([
      { state: 'waiting', nextAt: START + 10 * SECOND, error: 'the message could not be made; the log says why' },
    ]);
  });

  test('messages are looked for until a stop, which waits for what is under way', async () => {
    const answers: ServerResponse[] = [];
    const a = await target((response) => answers.push(response));
    const store = await openStore(await place());
    const counted = vi.fn<NonNullable<Options['counted']>>();
    const delivery = deliver(store, { a: a.url }, { counted });
    delivery.start();
    await alert(store, 'a');
    await vi.waitFor(() => expect(answers).toHaveLength(1));
    const stopped = delivery.stop();
    answers[0]!.end();
    await stopped;
    expect(counted.mock.calls).toEqual([['webhook/a', 'sent']]);
    await alert(store, 'a');
    expect(await delivery.tick()).toBe(0);
  });

  test('messages for a target that hangs do not keep a gateway from stopping', async () => {
    const a = await target(() => {});
    const store = await openStore(await place());
    const delivery = deliver(store, { a: a.url }, { failed: () => {} });
    delivery.start();
    await alert(store, 'a');
    await vi.waitFor(() => expect(a.received).toHaveLength(1));
    await delivery.stop();
    // It was not settled: another gateway takes it when its lease is over.
    now += 120 * SECOND;
    expect(await store.notifications.take(now, now + 1, 1)).toHaveLength(1);
    await a.close();
  });
});
