import { describe, expect, test } from 'vitest';
import { isRefusal } from '../../../../gateway/domain/hold-command.ts';
import type { NotificationDraft, NotificationTrigger } from '../../../../gateway/domain/notification.ts';
import type { Suspension } from '../../../../gateway/domain/suspension.ts';
import { SETTLED_KEPT } from '../../../../gateway/holds/store/retention.ts';
import { draft, requirement, reviewer, ONE_OF_FINANCE } from '../../../helpers/hold.ts';
import { engines } from './engines.ts';
import { approve, eventTypes, executed, indeterminate, must, release, useStores } from './stores.ts';

/** Other processes may be slow on a machine at work. */
const SOON = { timeout: 60_000 };

const ben = reviewer('ben');

describe.each(engines)('around holds in $name', (engine) => {
  const stores = useStores(engine);

  describe('a grant', () => {
    const terms = (uses: number) => ({ uses, until: stores.now + 3_600_000, open: ['/amount'] });

    test('a grant comes with the approval and answers the next call of that shape', async () => {
      const store = await stores.open({ reviewers: [ben] });
      const { hold } = await store.holds.open(draft(500));
      await must(store.holds.apply(hold.id, approve('ben', { grant: terms(1) })));
      const { items } = await store.grants.list({ active: true, limit: 10 });
      expect(items).toMatchObject([{ holdId: hold.id, agent: 'billing-bot', uses: 1, used: 0, by: [ben.id] }]);
      const { hold: covered } = await store.holds.open(draft(400));
      expect(covered).toMatchObject({ status: 'approved', grantId: items[0]!.id, assignee: null, version: 2 });
      expect(await store.holds.find(covered.id)).toEqual(covered);
      expect((await store.grants.find(items[0]!.id))?.used).toBe(1);
      expect((await store.holds.open(draft(300))).hold.status).toBe('pending');
      const types = await eventTypes(store);
      const asked = 'hold.opened hold.voted hold.approved grant.created';
      expect(types).toEqual(`${asked} hold.opened hold.approved grant.used hold.opened`.split(' '));
    });

    test('a grant is used no more often than it says, however many calls come at once', async () => {
      const [one, other] = [await stores.open(), await stores.open()];
      const { hold } = await one.holds.open(draft(500));
      await must(one.holds.apply(hold.id, approve('ben', { grant: terms(5) })));
      const opened = await Promise.all(
        Array.from({ length: 20 }, (_none, index) => (index % 2 ? one : other).holds.open(draft(index + 1))),
      );
      expect(opened.filter(({ hold: { status } }) => status === 'approved')).toHaveLength(5);
      expect((await eventTypes(one)).filter((type) => type === 'grant.used')).toHaveLength(5);
    });

    test('a grant that is revoked answers nothing', async () => {
      const store = await stores.open();
      const { hold } = await store.holds.open(draft(500));
      await must(store.holds.apply(hold.id, approve('ben', { grant: terms(5) })));
      const [grant] = (await store.grants.list({ active: true, limit: 10 })).items;
      expect(await store.grants.revoke(grant!.id, ben, 'api')).toMatchObject({ revokedBy: ben.id });
      expect((await store.holds.open(draft(400))).hold.status).toBe('pending');
      expect(await store.grants.revoke('grant_none', ben, 'api')).toBeNull();
    });
  });

  describe('a suspension', () => {
    const agent = { kind: 'agent', name: 'billing-bot', by: ben.id, channel: 'api', reason: 'odd refunds' } as const;

    test('a suspension supersedes what is undecided or approved, revokes grants, and lets nothing be opened', async () => {
      const store = await stores.open();
      const { hold: pending } = await store.holds.open(draft(1));
      const { hold: approved } = await store.holds.open(draft(2));
      const grant = { uses: 5, until: stores.now + 3_600_000, open: [] };
      await must(store.holds.apply(approved.id, approve('ben', { grant })));
      const { hold: sent } = await store.holds.open(draft(3));
      await must(store.holds.apply(sent.id, approve()));
      await must(store.holds.apply(sent.id, release));
      expect(await store.suspensions.suspend(agent)).toEqual({ superseded: 2 });
      for (const { id } of [pending, approved]) {
        expect(await store.holds.find(id)).toMatchObject({
          status: 'superseded',
          note: expect.stringContaining('odd refunds'),
        });
      }
      expect(await store.grants.list({ active: true, limit: 10 })).toEqual({ items: [], next: null });
      await expect(store.holds.open(draft(4))).rejects.toMatchObject({ code: 'suspended' });
      await expect(store.holds.open(draft(2))).rejects.toMatchObject({ code: 'suspended' });
      expect(await store.holds.apply(approved.id, release)).toMatchObject({ refused: 'state' });
      // What is on its way is not called back, and its outcome is recorded.
      await must(store.holds.apply(sent.id, executed));
      const types = await eventTypes(store);
      for (const type of ['suspension.created', 'grant.revoked']) expect(types).toContain(type);
      expect(types.filter((type) => type === 'hold.superseded')).toHaveLength(2);
    });

    test('a suspension of a system concerns every agent, and ends', async () => {
      const store = await stores.open();
      await store.holds.open(draft(1));
      const system = { ...agent, kind: 'system', name: 'payments', reason: null } as const;
      expect(await store.suspensions.suspend(system)).toEqual({ superseded: 1 });
      await expect(store.holds.open(draft(1))).rejects.toMatchObject({ code: 'suspended' });
      const { digest } = draft(1);
      expect((await store.holds.open(draft(1, { system: 'crm', digest }))).attached).toBe(false);
      expect(await store.suspensions.resume('system', 'payments', ben.id, 'api')).toBe(true);
      expect((await store.holds.open(draft(1))).attached).toBe(true);
      expect((await store.holds.open(draft(2))).attached).toBe(false);
    });

    test('a suspension lets no call of unknown outcome be sent again', async () => {
      const store = await stores.open();
      const { hold } = await store.holds.open(draft(1));
      await must(store.holds.apply(hold.id, approve()));
      await must(store.holds.apply(hold.id, release));
      await must(store.holds.apply(hold.id, { ...indeterminate, resendAt: stores.now }));
      await store.suspensions.suspend(agent);
      const resend = { type: 'resend', attempt: 'att_2', by: 'control', policyRevision: 'p1' } as const;
      expect(await store.holds.apply(hold.id, resend)).toMatchObject({ refused: 'forbidden' });
      expect(await store.holds.find(hold.id)).toMatchObject({ execution: 'indeterminate', attempt: { id: 'att_1' } });
    });

    test('a suspension leaves no hold open that was being opened meanwhile', async () => {
      const [one, other] = [await stores.open(), await stores.open()];
      const opening = Array.from({ length: 40 }, (_none, index) =>
        (index % 2 ? one : other).holds.open(draft(index + 1)).then(
          ({ hold }) => hold.id,
          (error: { code: string }) => error.code,
        ),
      );
      await opening[0];
      const { superseded } = await one.suspensions.suspend(agent);
      const results = await Promise.all(opening);
      const opened = results.filter((result) => result.startsWith('hold_'));
      expect(opened).toHaveLength(superseded);
      expect(results.filter((result) => result === 'suspended')).toHaveLength(40 - superseded);
      expect((await one.holds.list({ limit: 100, status: 'pending' })).items).toEqual([]);
    });

    test('a suspension is told to watchers in every process', async () => {
      const [one, other] = [await stores.open(), await stores.open()];
      const told: (readonly Suspension[])[] = [];
      const stop = other.suspensions.watch((suspensions) => told.push(suspensions));
      await other.suspensions.refresh();
      expect(told).toEqual([[]]);
      await one.suspensions.suspend(agent);
      await expect.poll(() => told.at(-1), SOON).toMatchObject([{ kind: 'agent', name: 'billing-bot' }]);
      await one.suspensions.resume('agent', 'billing-bot', ben.id, 'api');
      await expect.poll(() => told.at(-1), SOON).toEqual([]);
      stop();
    });
  });

  test('a deputy decides in the place of a person, for the time being', async () => {
    const lea = reviewer('lea', ['legal']);
    const store = await stores.open({ reviewers: [ben, lea] });
    const legal = { ...ONE_OF_FINANCE, requirements: [requirement(['legal'])] };
    const { hold } = await store.holds.open(draft(1, { terms: legal }));
    expect(await store.holds.apply(hold.id, approve('ben'))).toMatchObject({ refused: 'forbidden' });
    const period = { since: stores.now + 10, until: stores.now + 1000 };
    const added = await store.delegations.add({ from: lea.id, to: ben.id, ...period }, 'api');
    if (isRefusal(added as never)) throw new Error('refused');
    expect(await store.holds.apply(hold.id, approve('ben'))).toMatchObject({ refused: 'forbidden' });
    stores.now += 10;
    const approved = await must(store.holds.apply(hold.id, approve('ben')));
    expect(approved.votes).toMatchObject([{ reviewer: ben.id, for: lea.id, groups: ['legal'] }]);
    expect(await eventTypes(store)).toContain('delegation.created');
  });

  describe('what people are told', () => {
    const compose = (occasion: NotificationTrigger): NotificationDraft[] => {
      const holdId = occasion.kind === 'alert' ? null : occasion.hold.id;
      return [{ kind: occasion.kind, holdId, channel: 'webhook/test', to: null, payload: '{}' }];
    };

    test('what people are told is committed with the change, one notification for each step that concerns them', async () => {
      const store = await stores.open({ compose });
      const { hold } = await store.holds.open(draft(1));
      await store.holds.apply(hold.id, approve('ana'));
      stores.now = hold.remindAt!;
      await must(store.holds.apply(hold.id, { type: 'remind' }));
      await must(store.holds.apply(hold.id, approve()));
      await must(store.holds.apply(hold.id, release));
      await must(store.holds.apply(hold.id, indeterminate));
      const taken = await store.notifications.take(stores.now, stores.now + 1000, 10);
      expect(taken.map(({ kind }) => kind).toSorted()).toEqual(['decided', 'indeterminate', 'opened', 'reminder']);
      expect(await store.notifications.take(stores.now, stores.now + 1000, 10)).toEqual([]);
    });

    test('what people are told is nothing when the change is not committed', async () => {
      const store = await stores.open({ compose });
      await stores.place.raw('drop table outbox');
      await expect(store.holds.open(draft(1))).rejects.toMatchObject({ code: 'store-unavailable' });
      expect(await store.notifications.take(stores.now, stores.now + 1000, 10)).toEqual([]);
    });

    test('what people are told of a blocked call is told once for its key', async () => {
      const store = await stores.open({ compose });
      const event = { event_id: 'evt_1', at: 1, node: 'n', type: 'call.decided', layer: 'decide' } as const;
      await store.notifications.alert({ key: 'dec_1', groups: [], event });
      await store.notifications.alert({ key: 'dec_1', groups: [], event });
      await store.notifications.alert({ key: 'dec_2', groups: [], event });
      const taken = await store.notifications.take(stores.now, stores.now + 1000, 10);
      expect(taken).toHaveLength(2);
      await store.notifications.settle(taken[0]!.id, { state: 'sent', receipt: null });
      await store.notifications.settle(taken[1]!.id, { state: 'dead', error: 'gone' });
      expect((await store.notifications.list({ state: 'dead', limit: 10 })).items).toMatchObject([
        { id: taken[1]!.id, error: 'gone' },
      ]);
      expect(await store.notifications.resend(taken[1]!.id)).toMatchObject({ state: 'waiting' });
      expect(await eventTypes(store)).toEqual(['notice.dead']);
    });

    test('what people are told is kept for a while, and forgotten with what people arranged long ago', async () => {
      const store = await stores.open({ compose });
      const { hold } = await store.holds.open(draft(1));
      const grant = { uses: 5, until: stores.now + 1000, open: [] };
      await must(store.holds.apply(hold.id, approve('ben', { grant })));
      const [first, second] = await store.notifications.take(stores.now, stores.now + 1000, 10);
      await store.notifications.settle(first!.id, { state: 'sent', receipt: null });
      await store.notifications.settle(second!.id, { state: 'dead', error: 'gone' });
      await store.prune(stores.now + SETTLED_KEPT);
      expect((await store.notifications.list({ state: 'dead', limit: 10 })).items).toHaveLength(1);
      expect(await stores.place.raw('select id from notices')).toHaveLength(1);
      expect((await store.grants.list({ active: false, limit: 10 })).items).toHaveLength(1);
      await store.prune(stores.now + SETTLED_KEPT + 1001);
      expect(await stores.place.raw('select id from notices')).toEqual([]);
      expect((await store.grants.list({ active: false, limit: 10 })).items).toEqual([]);
    });
  });

  test('a run of a gateway that beats is alive', async () => {
    const store = await stores.open();
    expect(await store.runs.live()).toEqual([]);
    await store.runs.beat('run_1');
    expect(await store.runs.live()).toEqual(['run_1']);
  });
});
