import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { LONGEST_DELEGATION, type Delegation } from '../../../../gateway/domain/delegation.ts';
import type { HoldRefusal } from '../../../../gateway/domain/hold-command.ts';
import type { HoldDatabase } from '../../../../gateway/holds/store/database.ts';
import {
  delegationsInForce,
  endDelegation,
  insertDelegation,
  listDelegations,
  standsInFor,
} from '../../../../gateway/holds/store/delegations.ts';
import { MINUTE, reviewer } from '../../../helpers/hold.ts';
import { engines, openDatabase, type Place } from './engines.ts';
import { recorded } from './recorded.ts';

const NOW = 1_800_000_000_000;
const [ANA, BEN, CLEO] = ['ana@example.com', 'ben@example.com', 'cleo@example.com'];
const REVIEWERS = [reviewer('ana', ['finance', 'leads']), reviewer('ben', ['legal']), reviewer('cleo')];

describe.each(engines)('delegations in $name', (engine) => {
  let place: Place;
  let database: HoldDatabase;

  beforeEach(async () => {
    place = await engine.place();
    database = await openDatabase(place);
  });
  afterEach(async () => {
    await database.close();
    await place.remove();
  });

  const add = (from: string, to: string, since = NOW, until = NOW + MINUTE) =>
    recorded(database, NOW, (unit) => insertDelegation(unit, { from, to, since, until }, 'console'));
  async function added(...delegation: Parameters<typeof add>): Promise<Delegation> {
    const { result } = await add(...delegation);
    if ('refused' in result) throw new Error(result.detail);
    return result;
  }
  const end = (id: string, now = NOW) =>
    recorded(database, now, (unit) => endDelegation(unit, id, 'dan@example.com', 'api'));
  const standIns = async (id: string, now = NOW) => await standsInFor(database.db, id, now, REVIEWERS);

  test('delegations are listed while they are in force or to come', async () => {
    const later = await added(BEN, CLEO, NOW + 2 * MINUTE, NOW + 3 * MINUTE);
    const current = await added(ANA, BEN);
    expect(current).toMatchObject({ from: ANA, to: BEN, since: NOW, until: NOW + MINUTE, createdAt: NOW });
    expect(await listDelegations(database.db, NOW)).toEqual([current, later]);
    expect(await listDelegations(database.db, current.until)).toEqual([later]);
    expect(await listDelegations(database.db, later.until)).toEqual([]);
    expect(await delegationsInForce(database.db, NOW)).toEqual([current]);
    expect(await delegationsInForce(database.db, later.since)).toEqual([later]);
  });

  test('delegations are on record with who delegated to whom for how long', async () => {
    const { events } = await add(ANA, BEN);
    expect(events).toEqual([
      {
        type: 'delegation.created',
        layer: 'decide',
        actor: ANA,
        actor_kind: 'reviewer',
        channel: 'console',
        reason: 'to ben@example.com, from 2027-01-15T08:00:00.000Z until 2027-01-15T08:01:00.000Z',
      },
    ]);
  });

  const bad: readonly [sentence: string, period: Parameters<typeof add>, detail: RegExp][] = [
    ['to oneself', [ANA, ANA], /somebody else/],
    ['for no time', [ANA, BEN, NOW, NOW], /later than since/],
    ['that ends before it begins', [ANA, BEN, NOW + 2, NOW + 1], /later than since/],
    ['that is over', [ANA, BEN, NOW - 2, NOW], /is past/],
    ['for more than ninety days', [ANA, BEN, NOW, NOW + LONGEST_DELEGATION + 1], /at most 90 days/],
    ['without a time', [ANA, BEN, NOW, Number.NaN], /later than since/],
  ];
  test.each(bad)(
    'a delegation %s is refused, and nothing is stored or recorded',
    async (_sentence, delegation, detail) => {
      const { result, events } = await add(...delegation);
      expect(result).toMatchObject({ refused: 'invalid', detail: expect.stringMatching(detail) as string });
      expect(events).toEqual([]);
      expect(await listDelegations(database.db, 0)).toEqual([]);
    },
  );

  test('delegations for ninety days are not too long', async () => {
    const { result } = await add(ANA, BEN, NOW, NOW + LONGEST_DELEGATION);
    expect((result as HoldRefusal).refused).toBeUndefined();
  });

  test('delegations let a person decide in the place of others, from their first to their last moment', async () => {
    await added(ANA, CLEO, NOW + MINUTE, NOW + 2 * MINUTE);
    await added(BEN, CLEO, NOW, NOW + 3 * MINUTE);
    const ana = { id: ANA, groups: ['finance', 'leads'] };
    const ben = { id: BEN, groups: ['legal'] };
    expect(await standIns(CLEO)).toEqual([ben]);
    expect(await standIns(CLEO, NOW + MINUTE)).toEqual([ana, ben]);
    expect(await standIns(CLEO, NOW + 2 * MINUTE)).toEqual([ben]);
    expect(await standIns(ANA)).toEqual([]);
  });

  test('delegations are not passed on', async () => {
    await added(ANA, BEN);
    await added(BEN, CLEO);
    expect(await standIns(CLEO)).toEqual([{ id: BEN, groups: ['legal'] }]);
  });

  test('delegations given twice count once', async () => {
    await added(BEN, CLEO);
    await added(BEN, CLEO);
    expect(await standIns(CLEO)).toEqual([{ id: BEN, groups: ['legal'] }]);
  });

  test('delegations of a person who is no longer a reviewer give nothing', async () => {
    await added('gone@example.com', CLEO);
    await added(BEN, CLEO);
    const changed = [reviewer('ben', ['legal'], ['analyst']), reviewer('cleo')];
    expect(await standsInFor(database.db, CLEO, NOW, changed)).toEqual([]);
  });

  test('delegations end once, and that is on record', async () => {
    const delegation = await added(ANA, BEN);
    expect(await end(delegation.id)).toEqual({
      result: delegation,
      events: [
        {
          type: 'delegation.ended',
          layer: 'decide',
          actor: 'dan@example.com',
          actor_kind: 'reviewer',
          channel: 'api',
          reason: 'of ana@example.com to ben@example.com, from 2027-01-15T08:00:00.000Z until 2027-01-15T08:01:00.000Z',
        },
      ],
    });
    expect(await end(delegation.id)).toEqual({ result: null, events: [] });
    expect(await standIns(BEN)).toEqual([]);
    expect(await listDelegations(database.db, NOW)).toEqual([]);
  });

  test('delegations that are over or never were cannot be ended', async () => {
    const delegation = await added(ANA, BEN);
    expect(await end(delegation.id, delegation.until)).toEqual({ result: null, events: [] });
    expect(await end('dlg_none')).toEqual({ result: null, events: [] });
  });
});
