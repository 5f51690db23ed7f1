import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isRefusal, type HoldCommand } from '../../../gateway/domain/hold-command.ts';
import { engines, type Place } from '../../gateway/holds/store/engines.ts';
import { MINUTE } from '../../helpers/hold.ts';
import { BEN, CLEO } from './cast.ts';
import { openGateway, type Gateway } from './gateway.ts';
import { Observer } from './observer.ts';
import { Scene } from './scene.ts';
import { byName, stories } from './stories.ts';

const HOUR = 60 * MINUTE;

describe.each(engines)('a clock that is set back by an hour, with holds in $name,', (engine) => {
  let place: Place;
  let observer: Observer;
  let gateway: Gateway;
  let agents = 0;
  const failures: unknown[] = [];

  beforeAll(async () => {
    place = await engine.place();
    observer = await Observer.open(place);
    gateway = await openGateway({
      name: 'worker-0/1/test',
      at: place.at,
      upstream: observer.upstream,
      now: 1_700_000_000_000,
      failed: (error) => failures.push(error),
    });
  });
  afterAll(async () => {
    await gateway?.store.close();
    await observer?.close();
    await place?.remove();
  });

  const newScene = () => new Scene(gateway, `bot-${++agents}`);
  const eventsOf = async (id: string) => {
    const all = await gateway.store.outbox.read(0, 10_000);
    return all.flatMap(({ event }) => (event.hold_id === id ? [event.type] : []));
  };
  const approval = (revision = 1): HoldCommand => ({
    type: 'approve',
    by: CLEO,
    channel: 'api',
    revision,
    note: null,
    seenAt: null,
    grant: null,
  });

  test.for(byName(stories))(
    'a clock that is set back before any step changes nothing about how this ends: %s',
    async ([, story]) => {
      observer.story = story;
      for (let step = 0, steps = 1; step < steps; step++) {
        const scene = newScene();
        let done = 0;
        scene.meanwhile = () => {
          if (done++ === step) gateway.now -= HOUR;
        };
        await story.play(scene);
        steps = done;
        expect(failures).toEqual([]);
        await observer.check(scene.agent, `set back before step ${step}`);
        gateway.now += 2 * HOUR;
      }
    },
  );

  test('a clock that is set back does not take back that a hold expired', async () => {
    const call = newScene().call('a');
    const { id, expiresAt } = await call.open();
    gateway.now = expiresAt;
    await gateway.timers.tick();
    gateway.now -= HOUR;
    const refused = await gateway.store.holds.apply(id, approval());
    expect(refused).toMatchObject({ refused: 'state', hold: { status: 'expired' } });
    const again = await call.open();
    expect(again).toMatchObject({ id, status: 'expired' });
  });

  test('a clock that is set back does not take back that an approval lapsed', async () => {
    const call = newScene().call('a');
    const { id } = await call.open();
    const { redeemBy } = await call.approve(BEN);
    gateway.now = redeemBy!;
    await gateway.timers.tick();
    gateway.now -= HOUR;
    const release = { type: 'release', attempt: 'att_1', by: 'worker-0', key: 'key', policyRevision: 'p1' } as const;
    expect(await gateway.store.holds.apply(id, release)).toMatchObject({
      refused: 'state',
      hold: { status: 'lapsed' },
    });
    expect((await gateway.store.holds.releasable()).map((hold) => hold.id)).not.toContain(id);
  });

  test('a small correction of the clock does not end a claim early, and lets it end', async () => {
    const call = newScene().call('a', { quorum: 2 });
    const { id } = await call.open();
    const { until } = (await call.claim(BEN)).lease!;
    gateway.now -= MINUTE / 2;
    expect(await gateway.store.holds.apply(id, approval())).toMatchObject({ refused: 'leased' });
    gateway.now = until;
    expect(isRefusal(await gateway.store.holds.apply(id, approval()))).toBe(false);
  });

  test('a claim does not outlive a clock that is set back', async () => {
    const call = newScene().call('a', { quorum: 2 });
    const { id } = await call.open();
    await call.claim(BEN);
    gateway.now -= HOUR;
    expect(isRefusal(await gateway.store.holds.apply(id, approval()))).toBe(false);
  });

  test('a clock that is set back does not remind or escalate a second time', async () => {
    const call = newScene().call('a');
    const { id, createdAt } = await call.open();
    for (const minutes of [11, 16, 5, 11, 16]) {
      gateway.now = createdAt + minutes * MINUTE;
      await gateway.timers.tick();
    }
    expect((await call.hold()).escalations).toHaveLength(1);
    expect(await eventsOf(id)).toEqual(['hold.opened', 'hold.escalated', 'hold.reminded']);
    await call.reject(BEN);
  });

  test('a clock that is set back gives no use of a grant back, and no grant that was revoked', async () => {
    const scene = newScene();
    const [first, second, third] = [400, 300, 200].map((amount) => scene.call(String(amount), { amount }));
    await scene.call('500').open();
    await scene.call('500').approve(BEN, 2);
    expect(await first!.open()).toMatchObject({ status: 'approved' });
    const { items } = await gateway.store.grants.list({ agent: scene.agent, active: true, limit: 1 });
    await gateway.store.grants.revoke(items[0]!.id, CLEO, 'api');
    gateway.now -= HOUR;
    expect(await second!.open()).toMatchObject({ status: 'pending', grantId: null });

    await scene.call('600', { amount: 600 }).open();
    await scene.call('600', { amount: 600 }).approve(BEN, 1);
    expect(await third!.open()).toMatchObject({ status: 'approved' });
    gateway.now -= HOUR;
    expect(await scene.call('100', { amount: 100 }).open()).toMatchObject({ status: 'pending', grantId: null });
  });

  test('a clock that is set back lets a call of unknown outcome be sent again when its time has come, and once', async () => {
    observer.story = stories.find(({ name }) => name.includes('once more'))!;
    const call = newScene().call('a', { system: 'ledger', keyed: false });
    const { id } = await call.open();
    await call.approve(BEN);
    await call.release();
    const { resendAt } = await call.hold();
    for (const [at, released] of [
      [resendAt! - HOUR, 1],
      [resendAt!, 2],
      [resendAt! - HOUR, 2],
      [resendAt!, 2],
    ] as const) {
      gateway.now = at;
      await gateway.resends.tick();
      expect((await eventsOf(id)).filter((type) => type === 'hold.released')).toHaveLength(released);
    }
    expect(await call.hold()).toMatchObject({ execution: 'executed' });
  });
});
