import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Notification, NotificationDraft, NotificationOutcome } from '../../../../gateway/domain/notification.ts';
import type { HoldDatabase } from '../../../../gateway/holds/store/database.ts';
import {
  insertNotifications,
  listNotifications,
  notificationsAbout,
  resendNotification,
  settleNotification,
  takeNotifications,
} from '../../../../gateway/holds/store/notifications.ts';
import { MINUTE } from '../../../helpers/hold.ts';
import { engines, openDatabase, type Place } from './engines.ts';
import { recorded } from './recorded.ts';

const NOW = 1_800_000_000_000;

function notice(channel: string, changes: Partial<NotificationDraft> = {}): NotificationDraft {
  return { kind: 'opened', holdId: 'hold_1', channel, to: null, payload: '{"secret":"qwertz"}', ...changes };
}

describe.each(engines)('notifications in $name', (engine) => {
  let place: Place;
  let database: HoldDatabase;
  let other: HoldDatabase;

  beforeEach(async () => {
    place = await engine.place();
    database = await openDatabase(place);
    other = await openDatabase(place);
  });
  afterEach(async () => {
    await Promise.all([database.close(), other.close()]);
    await place.remove();
  });

  const insert = async (drafts: readonly NotificationDraft[], key?: string, now = NOW) =>
    void (await recorded(database, now, (unit) => insertNotifications(unit, drafts, key)));
  const take = async (now = NOW, limit = 10, on = database) =>
    (await recorded(on, now, ({ trx }) => takeNotifications(trx, now, now + MINUTE, limit))).result;
  const settle = async (id: string, outcome: NotificationOutcome) =>
    (await recorded(database, NOW, (unit) => settleNotification(unit, id, outcome))).events;
  const dead = async (cursor?: string, limit = 10) =>
    await listNotifications(database.db, { state: 'dead', limit, ...(cursor && { cursor }) });
  const channels = (notices: readonly Notification[]) => notices.map(({ channel }) => channel).toSorted();

  async function taken(draft: NotificationDraft): Promise<Notification> {
    await insert([draft]);
    const [only, ...more] = await take();
    expect(more).toEqual([]);
    return only!;
  }

  test('notifications are taken as they were put in, and by no other process for a while', async () => {
    await insert([notice('webhook/ops'), notice('email', { to: 'ana@example.com', kind: 'reminder', holdId: null })]);
    const found = await take();
    expect(found.toSorted((a, b) => (a.channel < b.channel ? -1 : 1))).toEqual([
      {
        ...notice('email', { to: 'ana@example.com', kind: 'reminder', holdId: null }),
        id: expect.stringMatching(/^ntc_[0-9a-f]{32}$/) as string,
        createdAt: NOW,
        attempts: 1,
        error: null,
        nextAt: NOW + MINUTE,
        state: 'waiting',
        ifUnanswered: false,
        receipt: null,
      },
      expect.objectContaining(notice('webhook/ops')),
    ]);
    expect(await take()).toEqual([]);
    expect(await take(NOW + MINUTE - 1)).toEqual([]);
  });

  test('notifications of a taker that died are taken again', async () => {
    const { id } = await taken(notice('webhook/ops'));
    expect(await take(NOW + MINUTE)).toMatchObject([{ id, attempts: 2 }]);
  });

  test('notifications are taken the longest due first, no more than asked for', async () => {
    await insert([notice('later')], undefined, NOW + 1);
    await insert([notice('sooner')]);
    await insert([notice('to come')], undefined, NOW + MINUTE);
    expect(channels(await take(NOW + 1, 1))).toEqual(['sooner']);
    expect(channels(await take(NOW + 1, 5))).toEqual(['later']);
  });

  test('notifications of nothing are nothing', async () => {
    await insert([]);
    expect(await take()).toEqual([]);
  });

  test('notifications are put in with what they tell of, or not at all', async () => {
    const failing = recorded(database, NOW, async (unit) => {
      await insertNotifications(unit, [notice('webhook/ops')]);
      throw new Error('given up');
    });
    await expect(failing).rejects.toThrow('given up');
    expect(await take()).toEqual([]);
  });

  test('notifications are never taken by two processes', async () => {
    await insert(Array.from({ length: 60 }, (_none, index) => notice(`webhook/${index}`)));
    const takers = Array.from({ length: 12 }, (_none, index) => take(NOW, 10, index % 2 ? database : other));
    const found = (await Promise.all(takers)).flat();
    while (found.length < 60) {
      const more = await take();
      expect(more).not.toEqual([]);
      found.push(...more);
    }
    expect(new Set(found.map(({ id }) => id)).size).toBe(60);
    expect(found).toHaveLength(60);
  });

  test('notifications that are sent are done with', async () => {
    const { id } = await taken(notice('webhook/ops'));
    expect(await settle(id, { state: 'sent', receipt: null })).toEqual([]);
    expect(await take(NOW + MINUTE)).toEqual([]);
    expect((await dead()).items).toEqual([]);
    expect(await resendNotification(database.db, id, NOW)).toBeNull();
  });

  test('notifications that failed are due again when they shall be, and say why', async () => {
    const { id } = await taken(notice('webhook/ops'));
    expect(await settle(id, { state: 'waiting', nextAt: NOW + 5, error: 'HTTP 500' })).toEqual([]);
    expect(await take(NOW + 4)).toEqual([]);
    expect(await take(NOW + 5)).toMatchObject([{ id, attempts: 2, error: 'HTTP 500' }]);
  });

  test('notifications that are given up are listed and on record, without what they said', async () => {
    const { id } = await taken(notice('webhook/ops'));
    const events = await settle(id, { state: 'dead', error: 'HTTP 410' });
    expect(events).toEqual([
      {
        type: 'notice.dead',
        layer: 'decide',
        hold_id: 'hold_1',
        actor: 'holdpoint',
        actor_kind: 'gateway',
        channel: 'webhook/ops',
        reason: 'HTTP 410',
      },
    ]);
    expect(await take(NOW + MINUTE)).toEqual([]);
    expect(await dead()).toMatchObject({ items: [{ id, state: 'dead', error: 'HTTP 410', nextAt: null }], next: null });
  });

  test('notifications that are settled stay so, whatever a late sender says', async () => {
    const { id } = await taken(notice('webhook/ops', { holdId: null }));
    const [event] = await settle(id, { state: 'dead', error: 'HTTP 410' });
    expect(event).not.toHaveProperty('hold_id');
    expect(await settle(id, { state: 'dead', error: 'again' })).toEqual([]);
    expect(await settle(id, { state: 'sent', receipt: null })).toEqual([]);
    expect(await settle('ntc_none', { state: 'dead', error: 'what?' })).toEqual([]);
    expect((await dead()).items).toMatchObject([{ id, error: 'HTTP 410' }]);
  });

  test('notifications about one hold are listed in their order, whatever became of them', async () => {
    await insert([notice('webhook/ops', { holdId: 'hold_1' }), notice('webhook/ops', { holdId: 'hold_2' })]);
    await insert([notice('email', { holdId: 'hold_1', to: 'ana@example.com' })], undefined, NOW + 1);
    const [first] = await notificationsAbout(database.db, 'hold_1');
    await settle(first!.id, { state: 'sent', receipt: null });
    expect(await notificationsAbout(database.db, 'hold_1')).toMatchObject([
      { channel: 'webhook/ops', state: 'sent', to: null, createdAt: NOW },
      { channel: 'email', state: 'waiting', to: 'ana@example.com', createdAt: NOW + 1 },
    ]);
    expect(await notificationsAbout(database.db, 'hold_3')).toEqual([]);
  });

  test('notifications that are given up can be tried again from the beginning', async () => {
    const { id } = await taken(notice('webhook/ops'));
    expect(await resendNotification(database.db, id, NOW)).toBeNull();
    await settle(id, { state: 'dead', error: 'HTTP 410' });
    expect(await resendNotification(database.db, id, NOW + 5)).toMatchObject({ id, state: 'waiting', attempts: 0 });
    expect((await dead()).items).toEqual([]);
    expect(await take(NOW + 5)).toMatchObject([{ id, attempts: 1 }]);
    expect(await resendNotification(database.db, 'ntc_none', NOW)).toBeNull();
  });

  test('notifications that are given up are listed from the newest on, page by page', async () => {
    await insert(Array.from({ length: 5 }, (_none, index) => notice(`webhook/${index}`)));
    const all = await take();
    for (const { id } of all) await settle(id, { state: 'dead', error: 'x' });
    const seen: string[] = [];
    let cursor: string | null = null;
    do {
      const page: { items: Notification[]; next: string | null } = await dead(cursor ?? undefined, 2);
      seen.push(...page.items.map(({ id }) => id));
      cursor = page.next;
    } while (cursor !== null);
    expect(seen).toEqual(
      all
        .map(({ id }) => id)
        .toSorted()
        .toReversed(),
    );
  });

  test('notifications of every state are listed from the newest on, or those of one state alone', async () => {
    const kept = ['sent', 'gathered', 'dead', 'waiting'] as const;
    for (const [index, state] of kept.entries())
      await insert([notice(state, { to: 'ana@example.com' })], undefined, NOW + index);
    const all = await listNotifications(database.db, { limit: 10 });
    const byChannel = new Map(all.items.map((one) => [one.channel, one.id]));
    await settle(byChannel.get('sent')!, { state: 'sent', receipt: null });
    await settle(byChannel.get('gathered')!, { state: 'gathered', nextAt: NOW + MINUTE });
    await settle(byChannel.get('dead')!, { state: 'dead', error: 'HTTP 410' });
    const { items, next } = await listNotifications(database.db, { limit: 2 });
    // The digest came last.
    expect(items.map(({ kind, channel }) => [kind, channel])).toEqual([
      ['digest', 'gathered'],
      ['opened', 'waiting'],
    ]);
    const rest = await listNotifications(database.db, { limit: 10, cursor: next! });
    expect(rest.items.map(({ channel, state }) => [channel, state])).toEqual(
      ['dead', 'gathered', 'sent'].map((state) => [state, state]),
    );
    for (const state of kept) {
      const found = await listNotifications(database.db, { state, limit: 10 });
      expect(new Set(found.items.map((one) => one.state))).toEqual(new Set([state]));
    }
  });

  test('notifications with a key go out once for each place and key, ever', async () => {
    const drafts = [
      notice('slack/ops'),
      notice('email', { to: 'ana@example.com' }),
      notice('email', { to: 'ben@example.com' }),
    ];
    await insert(drafts, 'call_1');
    expect(await take()).toHaveLength(3);
    await insert([...drafts, notice('webhook/ops')], 'call_1');
    expect(channels(await take())).toEqual(['webhook/ops']);
    await insert(drafts, 'call_2');
    expect(await take()).toHaveLength(3);
    await insert(drafts);
    await insert(drafts);
    expect(await take()).toHaveLength(6);
  });
});
