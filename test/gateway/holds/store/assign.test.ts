import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { HoldTerms } from '../../../../gateway/domain/decision.ts';
import type { Delegation } from '../../../../gateway/domain/delegation.ts';
import type { CallHold } from '../../../../gateway/domain/hold.ts';
import type { Reviewer } from '../../../../gateway/domain/principal.ts';
import { chooseAssignee, type Assignable } from '../../../../gateway/holds/store/assign.ts';
import type { HoldDatabase } from '../../../../gateway/holds/store/database.ts';
import { createDocuments } from '../../../../gateway/holds/store/documents.ts';
import { toRow } from '../../../../gateway/holds/store/rows.ts';
import { createVault } from '../../../../gateway/holds/store/vault.ts';
import { aHold, KEY, MINUTE, ONE_OF_FINANCE, reviewer } from '../../../helpers/hold.ts';
import { engines, openDatabase, type Place } from './engines.ts';

const NOW = 1_800_000_000_000;
/** ana owns the agent. */
const REVIEWERS = [
  reviewer('cleo'),
  reviewer('ben'),
  reviewer('ana'),
  reviewer('dan', ['legal']),
  reviewer('eve', ['leads']),
];

function of(groups: readonly string[], terms: Partial<HoldTerms> = {}): HoldTerms {
  return { ...ONE_OF_FINANCE, requirements: [{ groups, quorum: 1, escalate: [] }], ...terms };
}

function delegated(from: string, to: string): Delegation {
  const [who, whom] = [reviewer(from).id, reviewer(to).id];
  return { id: `dlg_${from}`, from: who, to: whom, since: NOW, until: NOW + MINUTE, createdAt: NOW };
}

describe.each(engines)('the choice of who is asked, in $name', (engine) => {
  let place: Place;
  let database: HoldDatabase;
  let count: number;

  beforeEach(async () => {
    place = await engine.place();
    database = await openDatabase(place);
    count = 0;
  });
  afterEach(async () => {
    await database.close();
    await place.remove();
  });

  /** A hold of somebody's, later than all before. */
  async function has(assignee: string | null, changes: Partial<CallHold> = {}): Promise<void> {
    count++;
    const id = `hold_${String(count).padStart(5, '0')}`;
    const hold = aHold(NOW, { id, askedDigest: id, assignee: assignee && reviewer(assignee).id, ...changes });
    const row = { ...toRow(hold, createDocuments(createVault(KEY)), count, NOW), trace_id: null };
    await database.db.insertInto('holds').values(row).execute();
  }

  async function choose(
    asked: Partial<Assignable> = {},
    delegations: readonly Delegation[] = [],
    reviewers: readonly Reviewer[] = REVIEWERS,
  ): Promise<string | null> {
    const { principal, terms } = aHold(NOW);
    const all = { principal, terms, ...asked };
    const chosen = await database.db.transaction().execute((trx) => chooseAssignee(trx, all, reviewers, delegations));
    return chosen && chosen.replace('@example.com', '');
  }

  test('the assignment of a new hold falls on the person with the fewest undecided holds', async () => {
    await has('ben');
    await has('ben');
    await has('cleo');
    expect(await choose()).toBe('cleo');
    await has('cleo');
    await has('cleo');
    expect(await choose()).toBe('ben');
  });

  test('the assignment of a new hold does not count what is decided', async () => {
    await has('cleo');
    await has('ben', { status: 'approved' });
    await has('ben', { status: 'rejected' });
    await has('ben', { status: 'expired' });
    expect(await choose()).toBe('ben');
  });

  test('the assignment of a new hold falls among equals on the person who has been without a new one for longest', async () => {
    expect(await choose()).toBe('ben');
    await has('ben', { status: 'approved' });
    expect(await choose()).toBe('cleo');
    await has('cleo', { status: 'approved' });
    expect(await choose()).toBe('ben');
    await has('ben', { status: 'approved' });
    await has(null);
    expect(await choose()).toBe('cleo');
  });

  test('the assignment of a new hold spreads holds evenly', async () => {
    const terms = of(['finance', 'legal', 'leads']);
    const seen = new Map<string, number>();
    for (let index = 0; index < 40; index++) {
      const chosen = (await choose({ terms }))!;
      await has(chosen, { terms });
      seen.set(chosen, (seen.get(chosen) ?? 0) + 1);
    }
    expect(Object.fromEntries(seen)).toEqual({ ben: 10, cleo: 10, dan: 10, eve: 10 });
  });

  test('the assignment of a new hold falls on members of an asked group, or on any reviewer where none is named', async () => {
    expect(await choose({ terms: of(['legal']) })).toBe('dan');
    await has('ben');
    await has('cleo');
    await has('dan');
    expect(await choose({ terms: of([]) })).toBe('eve');
    expect(await choose({ terms: { ...ONE_OF_FINANCE, requirements: [] } })).toBe('eve');
    expect(await choose({ terms: of(['nobody']) })).toBeNull();
  });

  test('the assignment of a new hold falls on the owner only where owners may approve', async () => {
    await has('ben');
    await has('cleo');
    expect(await choose()).toBe('ben');
    expect(await choose({ terms: of(['finance'], { ownerMayApprove: true }) })).toBe('ana');
  });

  test('the assignment of a new hold never falls on a person for whom the agent works, nor on one who is no reviewer', async () => {
    const principal = { ...aHold(NOW).principal, onBehalfOf: ['ben@example.com'] };
    expect(await choose({ principal })).toBe('cleo');
    const operator = reviewer('ben', ['finance'], ['operator']);
    expect(await choose({}, [], [operator])).toBeNull();
    expect(await choose({}, [], [])).toBeNull();
  });

  test('the assignment of a new hold falls on the delegate of a person who is away, whatever the groups of the delegate', async () => {
    await has('cleo');
    expect(await choose({}, [delegated('ben', 'dan')])).toBe('dan');
    await has('dan');
    await has('dan');
    expect(await choose({}, [delegated('ben', 'dan')])).toBe('cleo');
  });

  test('the assignment of a new hold does not fall on a delegate who may not approve, or is away too', async () => {
    await has('cleo');
    expect(await choose({}, [delegated('ben', 'ana')])).toBe('cleo');
    expect(await choose({}, [delegated('ben', 'gone')])).toBe('cleo');
    expect(await choose({}, [delegated('ben', 'dan'), delegated('dan', 'eve')])).toBe('cleo');
    expect(await choose({ terms: of(['legal']) }, [delegated('dan', 'ana')])).toBeNull();
  });

  test('the assignment of a new hold is not made for what is sent to one person or to an agent', async () => {
    await has('dan');
    expect(await choose({ to: { person: 'dan@example.com' } })).toBe('dan');
    expect(await choose({ to: { agent: 'other-bot' } })).toBeNull();
    expect(await choose({ to: { group: 'finance' } })).toBe('ben');
    expect(await choose({ to: null })).toBe('ben');
  });
});
