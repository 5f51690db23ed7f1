import { describe, expect, test } from 'vitest';
import { isRefusal } from '../../../../gateway/domain/hold-command.ts';
import { assertCall } from '../../../../gateway/domain/hold.ts';
import type { Suspension } from '../../../../gateway/domain/suspension.ts';
import type { OwnedStore } from '../../../../gateway/holds/store/store.ts';
import { createHoldTimers } from '../../../../gateway/holds/timers.ts';
import { draft, handoffDraft, MINUTE, ONE_OF_FINANCE, requirement } from '../../../helpers/hold.ts';
import { engines } from './engines.ts';
import { approve, eventTypes, must, reject, release, useStores } from './stores.ts';

const HOUR = 60 * MINUTE;
const DORA = 'dora@example.com';
const EVE = 'eve@example.com';

describe.each(engines)('the stop of everything in $name', (engine) => {
  const stores = useStores(engine);

  const stop = (store: OwnedStore) => store.suspensions.stop(DORA, 'api', 'they all went mad');
  const lift = (store: OwnedStore, by = DORA, people: 1 | 2 = 1) => store.suspensions.lift(by, 'api', people);
  const timersOf = (store: OwnedStore) =>
    createHoldTimers({
      holds: store.holds,
      prune: async () => {},
      clock: () => stores.now,
      interval: 1_000,
      failed: (error) => {
        throw error;
      },
    });

  test('a hold has as long after the stop as it had left before: to escalate, to remind and to expire', async () => {
    const store = await stores.open();
    const timers = timersOf(store);
    const terms = {
      ...ONE_OF_FINANCE,
      requirements: [requirement(['finance'], 1, [{ after: 20 * MINUTE, to: ['leads'] }])],
    };
    const { hold } = await store.holds.open(draft(500, { terms }));
    stores.now += 10 * MINUTE;
    await stop(store);
    stores.now += 5 * HOUR;
    expect(await store.holds.due(stores.now)).toEqual([]);
    expect(await timers.tick()).toBe(0);
    await lift(store);
    const later = (at: number | null) => at! + 5 * HOUR;
    const stood = (await store.holds.find(hold.id))!;
    expect(stood).toMatchObject({
      status: 'pending',
      createdAt: hold.createdAt,
      expiresAt: later(hold.expiresAt),
      slaAt: later(hold.slaAt),
      escalateAt: later(hold.escalateAt),
      remindAt: later(hold.remindAt),
    });
    stores.now = stood.escalateAt! - 1;
    await timers.tick();
    expect((await store.holds.find(hold.id))!.escalations).toEqual([]);
    stores.now += 1;
    await timers.tick();
    expect((await store.holds.find(hold.id))!.escalations).toMatchObject([{ to: ['leads'] }]);
    stores.now = stood.expiresAt;
    await timers.tick();
    expect((await store.holds.find(hold.id))!.status).toBe('expired');
  });

  test('the clock of what agents hand to people stands still, too', async () => {
    const store = await stores.open();
    const { hold } = await store.holds.openHandoff(handoffDraft('T-1'));
    await stop(store);
    stores.now += HOUR;
    await lift(store);
    expect((await store.holds.find(hold.id))!.expiresAt).toBe(hold.expiresAt + HOUR);
  });

  test('what time had ended before the stop is not brought back by it', async () => {
    const store = await stores.open();
    const { hold } = await store.holds.open(draft(500));
    stores.now = hold.expiresAt + MINUTE;
    await stop(store);
    stores.now += HOUR;
    await lift(store);
    await timersOf(store).tick();
    expect(await store.holds.find(hold.id)).toMatchObject({ status: 'expired', expiresAt: hold.expiresAt });
  });

  test('an approved call is not released while everything is stopped, and keeps its time to be redeemed', async () => {
    const store = await stores.open();
    const { hold } = await store.holds.open(draft(500));
    const approved = assertCall(await must(store.holds.apply(hold.id, approve())));
    stores.now += MINUTE;
    await stop(store);
    stores.now += 48 * HOUR;
    expect(await store.holds.apply(hold.id, release)).toMatchObject({
      refused: 'forbidden',
      detail: expect.stringContaining('Everything is stopped'),
      hold: { status: 'approved' },
    });
    await lift(store);
    expect(await store.holds.find(hold.id)).toMatchObject({ redeemBy: approved.redeemBy! + 48 * HOUR });
    expect(await must(store.holds.apply(hold.id, release))).toMatchObject({ execution: 'releasing' });
  });

  test('nothing is approved while everything is stopped; what people turn down is', async () => {
    const store = await stores.open();
    const [one, two] = [await store.holds.open(draft(1)), await store.holds.open(draft(2))];
    await stop(store);
    const refused = await store.holds.apply(one.hold.id, approve());
    expect(isRefusal(refused) && refused.detail).toContain('until an operator lifts that');
    expect(await must(store.holds.apply(two.hold.id, reject))).toMatchObject({ status: 'rejected' });
    await lift(store);
    // What reviewers see has not changed: they need not read it again.
    expect(await must(store.holds.apply(one.hold.id, approve()))).toMatchObject({ status: 'approved' });
  });

  test('no hold is opened while everything is stopped, by any process', async () => {
    const [store, other] = [await stores.open(), await stores.open()];
    await stop(store);
    await expect(other.holds.open(draft(500))).rejects.toMatchObject({ code: 'stopped' });
    await expect(other.holds.openHandoff(handoffDraft('T-1'))).rejects.toMatchObject({ code: 'stopped' });
    await lift(store);
    expect((await other.holds.open(draft(500))).attached).toBe(false);
  });

  test('every process hears of the stop, and of its end', async () => {
    const [store, other] = [await stores.open(), await stores.open()];
    let heard: readonly Suspension[] = [];
    other.suspensions.watch((all) => {
      heard = all;
    });
    await stop(store);
    await expect.poll(() => heard).toMatchObject([{ kind: 'everything', by: DORA, reason: 'they all went mad' }]);
    await lift(store);
    await expect.poll(() => heard).toEqual([]);
  });

  test('a second stop leaves the first as it is, and lifting what is not stopped does nothing', async () => {
    const store = await stores.open();
    await lift(store);
    const at = stores.now;
    await stop(store);
    stores.now += HOUR;
    await store.suspensions.stop(EVE, 'console', null);
    expect(await store.suspensions.list()).toMatchObject([{ by: DORA, at, reason: 'they all went mad' }]);
    await lift(store);
    expect(await eventTypes(store)).toEqual(['stop.began', 'stop.lifted']);
  });

  test('two different people lift a stop where that is asked for', async () => {
    const store = await stores.open();
    const asked = async () => (await store.suspensions.list()).map(({ liftAskedBy }) => liftAskedBy);
    await stop(store);
    expect(await asked()).toEqual([undefined]);
    await lift(store, DORA, 2);
    await lift(store, DORA, 2);
    expect(await asked()).toEqual([DORA]);
    await lift(store, EVE, 2);
    expect(await asked()).toEqual([]);
    expect(await eventTypes(store)).toEqual(['stop.began', 'stop.lift-asked', 'stop.lifted']);
  });

  test('an agent that is suspended during the stop has its open holds superseded, also those past their time by now', async () => {
    const store = await stores.open();
    const { hold } = await store.holds.open(draft(500));
    await stop(store);
    stores.now = hold.expiresAt + HOUR;
    await store.suspensions.suspend({
      kind: 'agent',
      name: hold.principal.agent,
      by: DORA,
      channel: 'api',
      reason: null,
    });
    expect((await store.holds.find(hold.id))!.status).toBe('superseded');
  });
});
