import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Suspension } from '../../../../gateway/domain/suspension.ts';
import type { HoldDatabase } from '../../../../gateway/holds/store/database.ts';
import { migrate } from '../../../../gateway/holds/store/migrations.ts';
import { openPostgres } from '../../../../gateway/holds/store/postgres.ts';
import { watchSuspensions, type SuspensionWatch } from '../../../../gateway/holds/store/suspension-watch.ts';
import {
  endSuspension,
  insertSuspension,
  suspensionOf,
  listSuspensions,
} from '../../../../gateway/holds/store/suspension-rows.ts';
import { createVault } from '../../../../gateway/holds/store/vault.ts';
import { KEY } from '../../../helpers/hold.ts';
import { engines, openDatabase, postgresPlace, type Place } from './engines.ts';
import { recorded } from './recorded.ts';

const NOW = 1_800_000_000_000;
const BOT = { kind: 'agent', name: 'billing-bot', by: 'dan@example.com', channel: 'api', reason: 'it loops' } as const;
const PAYMENTS = { kind: 'system', name: 'payments', by: 'eve@example.com', channel: 'cli', reason: null } as const;

describe.each(engines)('suspensions in $name', (engine) => {
  let place: Place;
  let database: HoldDatabase;
  let other: HoldDatabase;
  let watches: SuspensionWatch[];

  beforeEach(async () => {
    place = await engine.place();
    database = await openDatabase(place);
    other = await openDatabase(place);
    watches = [];
  });
  afterEach(async () => {
    for (const watch of watches) watch.stop();
    await Promise.all([database.close(), other.close()]);
    await place.remove();
  });

  const suspend = (suspension: Omit<Suspension, 'at'>, now = NOW, on = database) =>
    recorded(on, now, (unit) => insertSuspension(unit, suspension));
  const resume = (kind: Suspension['kind'], name: string) =>
    recorded(database, NOW, (unit) => endSuspension(unit, kind, name, 'flo@example.com', 'console'));

  function watching(on: HoldDatabase): SuspensionWatch & { readonly seen: string[][] } {
    const seen: string[][] = [];
    const watch = watchSuspensions(on);
    watches.push(watch);
    watch.watch((suspensions) => seen.push(suspensions.map(({ name }) => name)));
    return { ...watch, seen };
  }

  test('suspensions are listed with who made them, and are on record', async () => {
    const { result, events } = await suspend(BOT);
    await suspend(PAYMENTS, NOW + 1);
    expect(result).toBe(true);
    expect(await listSuspensions(database.db)).toEqual([
      { ...BOT, at: NOW },
      { ...PAYMENTS, at: NOW + 1 },
    ]);
    expect(events).toEqual([
      {
        type: 'suspension.created',
        layer: 'decide',
        agent: 'billing-bot',
        actor: 'dan@example.com',
        actor_kind: 'reviewer',
        channel: 'api',
        reason: 'it loops',
      },
    ]);
  });

  test('suspensions of a system name the system on record', async () => {
    const { events } = await suspend(PAYMENTS);
    expect(events).toMatchObject([{ type: 'suspension.created', system: 'payments', actor: 'eve@example.com' }]);
    expect(events[0]).not.toHaveProperty('agent');
    expect(events[0]).not.toHaveProperty('reason');
  });

  test('suspensions made again stay as they were, and nothing new is on record', async () => {
    await suspend(BOT);
    const again = await suspend({ ...BOT, by: 'eve@example.com', reason: 'me too' }, NOW + 5);
    expect(again).toEqual({ result: false, events: [] });
    expect(await listSuspensions(database.db)).toEqual([{ ...BOT, at: NOW }]);
  });

  test('suspensions made by two at once are made by one of them', async () => {
    const both = await Promise.all([suspend(BOT), suspend(BOT, NOW, other)]);
    expect(both.map(({ result }) => result).toSorted()).toEqual([false, true]);
  });

  test('suspensions end once, and that is on record', async () => {
    await suspend(BOT);
    expect(await resume('system', 'billing-bot')).toEqual({ result: false, events: [] });
    expect(await resume('agent', 'billing-bot')).toMatchObject({
      result: true,
      events: [{ type: 'suspension.ended', agent: 'billing-bot', actor: 'flo@example.com', channel: 'console' }],
    });
    expect(await resume('agent', 'billing-bot')).toEqual({ result: false, events: [] });
    expect(await listSuspensions(database.db)).toEqual([]);
  });

  test('suspensions stop the agent everywhere, and every agent at the system', async () => {
    const is = (agent: string, system: string) => suspensionOf(database.db, agent, system);
    expect(await is('billing-bot', 'payments')).toBeNull();
    await suspend(BOT);
    expect(await is('billing-bot', 'crm')).toBe('agent');
    expect(await is('other-bot', 'payments')).toBeNull();
    await suspend(PAYMENTS);
    expect(await is('other-bot', 'payments')).toBe('system');
    expect(await is('payments', 'billing-bot')).toBeNull();
  });

  test('suspensions are told to watchers, at first and after each change', async () => {
    await suspend(BOT);
    const watch = watching(database);
    await watch.refresh();
    expect(watch.seen).toEqual([['billing-bot']]);
    await watch.refresh();
    expect(watch.seen).toEqual([['billing-bot']]);
    await suspend(PAYMENTS, NOW + 1);
    await watch.refresh();
    await resume('agent', 'billing-bot');
    await watch.refresh();
    expect(watch.seen).toEqual([['billing-bot'], ['billing-bot', 'payments'], ['payments']]);
  });

  test('suspensions are told to a watcher that begins later, even when nothing changes', async () => {
    await suspend(BOT);
    const watch = watching(database);
    await watch.refresh();
    const late: number[] = [];
    watch.watch((suspensions) => late.push(suspensions.length));
    await expect.poll(() => late).toEqual([1]);
    expect(watch.seen).toHaveLength(1);
  });

  test('suspensions that another process makes are told without being asked for', async () => {
    const watch = watching(database);
    await expect.poll(() => watch.seen).toEqual([[]]);
    await suspend(BOT, NOW, other);
    other.announce([]);
    await expect.poll(() => watch.seen).toEqual([[], ['billing-bot']]);
  });

  test('suspensions are no longer told to a watcher that has stopped', async () => {
    const watch = watching(database);
    const seen: number[] = [];
    const stop = watch.watch((suspensions) => seen.push(suspensions.length));
    await watch.refresh();
    stop();
    await suspend(BOT);
    await watch.refresh();
    expect(seen).toEqual([0]);
    expect(watch.seen).toEqual([[], ['billing-bot']]);
  });

  test('suspensions are known to every watcher once a refresh resolves, however many are asked for at once', async () => {
    const watch = watching(database);
    for (let round = 1; round <= 10; round++) {
      const early = watch.refresh();
      await suspend({ ...BOT, name: `bot-${round}` }, NOW + round);
      await Promise.all([watch.refresh(), watch.refresh(), early]);
      expect(watch.seen.at(-1)).toHaveLength(round);
    }
  });
});

test('a refresh that cannot read says so, and the next one reads again', async () => {
  const place = await engines[0]!.place();
  const database = await openDatabase(place);
  const watch = watchSuspensions(database);
  const seen: number[] = [];
  watch.watch((suspensions) => seen.push(suspensions.length));
  await watch.refresh();
  await place.raw('alter table suspensions rename to elsewhere');
  await expect(watch.refresh()).rejects.toThrow('no such table');
  await place.raw('alter table elsewhere rename to suspensions');
  await recorded(database, NOW, (unit) => insertSuspension(unit, BOT));
  await watch.refresh();
  expect(seen).toEqual([0, 1]);
  watch.stop();
  await database.close();
  await place.remove();
});

test('suspensions made by another gateway on PostgreSQL are told as they are announced, not at the next look', async () => {
  const place = await postgresPlace();
  const url = 'url' in place.at ? place.at.url : '';
  const [one, other] = [await openPostgres(url, 3_600_000), await openPostgres(url, 3_600_000)];
  await migrate(one, createVault(KEY));
  const watch = watchSuspensions(one);
  const seen: number[] = [];
  watch.watch((suspensions) => seen.push(suspensions.length));
  for (let round = 1; round <= 3; round++) {
    await recorded(other, NOW, (unit) => insertSuspension(unit, { ...BOT, name: `bot-${round}` }));
    other.announce([]);
    await expect.poll(() => seen.at(-1)).toBe(round);
  }
  watch.stop();
  await Promise.all([one.close(), other.close()]);
  await place.remove();
});
