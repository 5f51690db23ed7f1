import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Grant, GrantTerms } from '../../../../gateway/domain/grant.ts';
import type { HoldDraft } from '../../../../gateway/domain/hold-store.ts';
import type { HoldDatabase } from '../../../../gateway/holds/store/database.ts';
import {
  findGrant,
  insertGrant,
  listGrants,
  revokeGrant,
  revokeGrantsOf,
  useGrant,
} from '../../../../gateway/holds/store/grants.ts';
import { createDocuments } from '../../../../gateway/holds/store/documents.ts';
import { createVault } from '../../../../gateway/holds/store/vault.ts';
import { aHold, KEY, MINUTE } from '../../../helpers/hold.ts';
import { engines, openDatabase, type Place } from './engines.ts';
import { recorded } from './recorded.ts';

const NOW = 1_800_000_000_000;
const documents = createDocuments(createVault(KEY));

describe.each(engines)('grants in $name', (engine) => {
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

  function draft(amount: number, agent = 'billing-bot'): HoldDraft {
    const hold = aHold(NOW);
    const input = JSON.stringify({ action: { body: { amount } } });
    const headers = ['content-type', 'application/json'];
    const call = { method: 'POST', target: '/v1/refunds', headers, body: Buffer.from('x'), input };
    return { ...hold, principal: { ...hold.principal, agent }, call, traceId: null };
  }

  async function give(terms: Partial<GrantTerms> = {}, agent = 'billing-bot') {
    const { call, principal } = draft(500, agent);
    const vote = { for: null, groups: ['finance'], note: null, grant: null, seenAt: null, at: NOW, revision: 1 };
    const hold = aHold(NOW, {
      principal,
      status: 'approved',
      decidedBy: 'cleo@example.com',
      votes: [
        { ...vote, reviewer: 'ben@example.com', channel: 'api' },
        { ...vote, reviewer: 'cleo@example.com', channel: 'console' },
      ],
    });
    const all = { uses: 5, until: NOW + 60 * MINUTE, open: ['/amount'], ...terms };
    const { result } = await recorded(database, NOW, (unit) => insertGrant(unit, hold, call, all));
    return result;
  }

  const use = async (amount: number, on = database, now = NOW) =>
    (await recorded(on, now, (unit) => useGrant(unit, draft(amount)))).result;
  const ids = (grants: readonly Grant[]) => grants.map(({ id }) => id);
  const newestFirst = (...grants: Grant[]) => ids(grants).toSorted().toReversed();

  test('grants are found as they were given, and their story says who gave what', async () => {
    const { grant, step } = await give();
    expect(await findGrant(database.db, documents, grant.id)).toEqual(grant);
    expect(step).toEqual({
      type: 'grant.created',
      actor: 'cleo@example.com',
      actor_kind: 'reviewer',
      channel: 'console',
      reason: `5 uses of ${grant.id} until 2027-01-15T09:00:00.000Z, with /amount open`,
    });
    expect(grant.by).toEqual(['ben@example.com', 'cleo@example.com']);
    expect(await findGrant(database.db, documents, 'grant_none')).toBeNull();
  });

  test('grants are used up one by one, each use on record', async () => {
    const { grant } = await give({ uses: 2 });
    expect(await use(501)).toBeNull();
    expect(await use(400)).toEqual({
      grant: { ...grant, used: 1 },
      step: {
        type: 'grant.used',
        actor: 'holdpoint',
        actor_kind: 'gateway',
        reason: `use 1 of 2 of ${grant.id}`,
      },
    });
    expect(await use(500)).toMatchObject({ grant: { used: 2 }, step: { reason: `use 2 of 2 of ${grant.id}` } });
    expect(await use(500)).toBeNull();
    expect(await findGrant(database.db, documents, grant.id)).toEqual({ ...grant, used: 2 });
  });

  test('grants are not used for another agent, after their time or after their revocation', async () => {
    const { grant } = await give({}, 'other-bot');
    expect(await use(500)).toBeNull();
    const { grant: own } = await give();
    expect(await use(500, database, own.until)).toBeNull();
    await recorded(database, NOW, (unit) => revokeGrant(unit, own.id, 'dan@example.com', 'api'));
    expect(await use(500)).toBeNull();
    expect(await findGrant(database.db, documents, grant.id)).toMatchObject({ used: 0 });
  });

  test('grants are used in the order in which they end', async () => {
    const { grant: late } = await give({ until: NOW + 2 * MINUTE, uses: 1 });
    const { grant: soon } = await give({ until: NOW + MINUTE, uses: 1 });
    expect([(await use(500))?.grant.id, (await use(500))?.grant.id]).toEqual([soon.id, late.id]);
    expect(await use(500)).toBeNull();
  });

  test('grants are never overspent by two gateways at once', async () => {
    const { grant } = await give({ uses: 20 });
    const uses = await Promise.all(
      Array.from({ length: 30 }, (_none, index) => use(500, index % 2 ? database : other)),
    );
    const given = uses.filter((one) => one !== null).map(({ grant }) => grant.used);
    expect(given.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_none, index) => index + 1));
    expect(await findGrant(database.db, documents, grant.id)).toMatchObject({ used: 20 });
  });

  test('grants are not used by a transaction that is given up', async () => {
    const { grant } = await give();
    const failing = recorded(database, NOW, async (unit) => {
      await useGrant(unit, draft(500));
      throw new Error('given up');
    });
    await expect(failing).rejects.toThrow('given up');
    expect(await findGrant(database.db, documents, grant.id)).toMatchObject({ used: 0 });
  });

  test('grants are revoked once, with who did it and how far they were used', async () => {
    const { grant } = await give();
    await use(500);
    const revoke = (by: string, now: number) =>
      recorded(database, now, (unit) => revokeGrant(unit, grant.id, by, 'console'));
    const { result, events } = await revoke('dan@example.com', NOW + 1);
    expect(result).toEqual({ ...grant, used: 1, revokedAt: NOW + 1, revokedBy: 'dan@example.com' });
    expect(events).toEqual([
      {
        type: 'grant.revoked',
        layer: 'decide',
        hold_id: grant.holdId,
        agent: 'billing-bot',
        system: 'payments',
        operation: 'POST /v1/refunds',
        rules: ['rules.payments/refund-over-limit'],
        actor: 'dan@example.com',
        actor_kind: 'reviewer',
        channel: 'console',
        reason: `1 of 5 uses of ${grant.id} were used`,
      },
    ]);
    expect(await revoke('eve@example.com', NOW + 2)).toEqual({ result, events: [] });
    expect(await findGrant(database.db, documents, grant.id)).toEqual(result);
  });

  test('grants that do not exist cannot be revoked', async () => {
    const revoking = recorded(database, NOW, (unit) => revokeGrant(unit, 'grant_none', 'dan@example.com', 'api'));
    expect(await revoking).toEqual({ result: null, events: [] });
  });

  test('grants revoked by two at once are revoked by one of them', async () => {
    const { grant } = await give();
    const revoke = (on: HoldDatabase, by: string) =>
      recorded(on, NOW, (unit) => revokeGrant(unit, grant.id, by, 'api'));
    const both = await Promise.all([revoke(database, 'dan@example.com'), revoke(other, 'eve@example.com')]);
    expect(both.flatMap(({ events }) => events)).toHaveLength(1);
    expect(both[0].result).toEqual(both[1].result);
  });

  test('grants of one agent are revoked together, those of others are not', async () => {
    const { grant: one } = await give();
    const { grant: two } = await give();
    const { grant: spent } = await give({ uses: 1, until: NOW + MINUTE });
    await use(500);
    const { grant: others } = await give({}, 'other-bot');
    const { result, events } = await recorded(database, NOW, (unit) =>
      revokeGrantsOf(unit, 'billing-bot', 'dan@example.com', 'api'),
    );
    expect(ids(result).toSorted()).toEqual(ids([one, two]).toSorted());
    expect(events.map(({ type }) => type)).toEqual(['grant.revoked', 'grant.revoked']);
    expect(await findGrant(database.db, documents, spent.id)).toMatchObject({ revokedAt: null, used: 1 });
    expect(await findGrant(database.db, documents, others.id)).toMatchObject({ revokedAt: null });
    expect(await use(500)).toBeNull();
  });

  test('grants are listed from the newest on, page by page', async () => {
    const given: string[] = [];
    for (let index = 0; index < 5; index++) given.push((await give()).grant.id);
    const seen: string[] = [];
    let cursor: string | null = null;
    do {
      const filter = { active: true, limit: 2, ...(cursor !== null && { cursor }) };
      const page: { items: Grant[]; next: string | null } = await listGrants(database.db, documents, filter, NOW);
      seen.push(...ids(page.items));
      cursor = page.next;
    } while (cursor !== null);
    expect(seen).toEqual(given.toSorted().toReversed());
  });

  test('grants are listed by agent, and the active ones alone where only they are wanted', async () => {
    const { grant: spent } = await give({ uses: 1, until: NOW + MINUTE });
    await use(500);
    const { grant: revoked } = await give();
    await recorded(database, NOW, (unit) => revokeGrant(unit, revoked.id, 'dan@example.com', 'api'));
    const { grant: short } = await give({ until: NOW + 2 * MINUTE });
    const { grant: long } = await give();
    const { grant: others } = await give({}, 'other-bot');
    const list = async (active: boolean, agent?: string, now = NOW) =>
      ids((await listGrants(database.db, documents, { active, limit: 10, ...(agent && { agent }) }, now)).items);
    expect(await list(true)).toEqual(newestFirst(others, long, short));
    expect(await list(true, 'billing-bot')).toEqual(newestFirst(long, short));
    expect(await list(true, 'billing-bot', short.until)).toEqual([long.id]);
    expect(await list(false, 'billing-bot')).toEqual(newestFirst(long, short, revoked, spent));
    expect(await list(false, 'nobody')).toEqual([]);
  });
});
