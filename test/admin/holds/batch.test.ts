import { afterEach, beforeEach, expect, test } from 'vitest';
import type { AdminDeps } from '../../../admin/deps.ts';
import { Problem } from '../../../gateway/domain/problem.ts';
import { openHoldStore } from '../../../gateway/holds/store/store.ts';
import { postgresPlace } from '../../gateway/holds/store/engines.ts';
import { KEY, reviewer } from '../../helpers/hold.ts';
import { openDesk, refund, requirement, type Asking, type Desk } from '../desk.ts';

let desk: Desk;
beforeEach(async () => {
  desk = await openDesk();
});
afterEach(async () => {
  await desk.close();
});

type Item = { hold_id: string; done: boolean; problem: { code: string; detail: string } | null };

async function hold(
  amount: number,
  of: Parameters<typeof refund>[1] = {},
  on = desk,
  more: object = {},
): Promise<string> {
  return await on.hold(`{"amount":${amount},"charge":"ch_${amount}"}`, of, more);
}

const all = (ids: readonly string[], revision = 1) => ids.map((hold_id) => ({ hold_id, revision }));

async function batch(
  body: object,
  asking: Asking = {},
  on = desk,
): Promise<{ status: number; items: Item[]; json: unknown }> {
  const { status, json } = await on.post('/api/holds/batch', { ifMatch: null, body, ...asking });
  return { status, json, items: (json as { items: Item[] }).items };
}

async function shapes(on = desk): Promise<ReadonlyMap<string, string | null>> {
  const { items } = (await on.get('/api/holds?limit=200')).json as {
    items: { hold_id: string; shape: string | null }[];
  };
  return new Map(items.map(({ hold_id, shape }) => [hold_id, shape]));
}

test('holds of one shape are approved together, each with a vote of its own', async () => {
  const ids = [await hold(1), await hold(2), await hold(3)];
  expect(new Set((await shapes()).values()).size).toBe(1);
  const { status, items } = await batch(
    { action: 'approve', holds: all(ids), note: 'all fine' },
    { channel: 'console' },
  );
  expect(status).toBe(200);
  expect(items).toEqual(ids.map((hold_id) => ({ hold_id, done: true, problem: null })));
  for (const id of ids) {
    expect(await desk.store.holds.find(id)).toMatchObject({
      status: 'approved',
      decidedBy: 'ben@example.com',
      votes: [{ reviewer: 'ben@example.com', channel: 'console', note: 'all fine', revision: 1 }],
    });
  }
});

test('holds of one shape are rejected together, with a code', async () => {
  const ids = [await hold(1), await hold(2)];
  expect((await batch({ action: 'reject', holds: all(ids) })).status).toBe(422);
  const { items } = await batch({ action: 'reject', holds: all(ids), code: 'not-now' });
  expect(items.every(({ done }) => done)).toBe(true);
  expect(await desk.store.holds.find(ids[1]!)).toMatchObject({ status: 'rejected', code: 'not-now' });
});

test('each hold passes every guard by itself, and has an answer of its own', async () => {
  const [fine, decided, leased, edited, theirs, quorum] = [
    await hold(1),
    await hold(2),
    await hold(3),
    await hold(4),
    await hold(5, {}, desk, { principal: { ...refund().principal, owner: 'ben@example.com' } }),
    await hold(6, { requirements: [requirement(['finance'], 2)] }),
  ];
  await desk.post(`/api/holds/${decided}/reject`, { who: 'cleo', body: { code: 'other' } });
  await desk.post(`/api/holds/${leased}/claim`, { who: 'cleo' });
  await desk.post(`/api/holds/${edited}/approve`, { who: 'cleo', body: { edit: { amount: 40 } } });
  const unknown = 'hold_00000000000000000000000000000000';
  const { items } = await batch({ action: 'approve', holds: all([unknown, decided, leased, edited, theirs, fine]) });
  expect(items.map(({ done, problem }) => [done, problem?.code ?? null])).toEqual([
    [false, 'not-found'],
    [false, 'decided'],
    [false, 'leased'],
    [false, 'stale'],
    [false, 'not-permitted'],
    [true, null],
  ]);
  // Two have to approve: this is one of them, and counts once.
  expect((await batch({ action: 'approve', holds: all([quorum]) })).items).toMatchObject([{ done: true }]);
  expect(await desk.store.holds.find(quorum)).toMatchObject({ status: 'pending' });
  expect((await batch({ action: 'approve', holds: all([quorum]) })).items).toMatchObject([
    { problem: { code: 'conflict' } },
  ]);
  expect((await batch({ action: 'approve', holds: all([quorum]) }, { who: 'dan' })).items).toMatchObject([
    { problem: { code: 'not-permitted' } },
  ]);
});

test.each([
  [
    'of another rule',
    async () => await hold(2, {}, desk, { rules: [{ ...refund().rules[0]!, id: 'rules.payments/odd' }] }),
  ],
  ['of another operation', async () => await hold(2, {}, desk, { operation: 'createPayout' })],
  ['of another shape', async () => await desk.hold('{"amount":2}')],
  ['that policy does not call reversible', async () => await hold(2, { reversible: null })],
  [
    'that the agent calls irreversible',
    async () => await hold(2, {}, desk, { claims: { ...refund().claims, reversible: false } }),
  ],
  ['that a person must take over', async () => await hold(2, { level: 3 })],
])('a batch with a hold %s is refused before anything is decided', async (_what, odd) => {
  const [id, other] = [await hold(1), await odd()];
  const known = await shapes();
  expect(known.get(other)).not.toBe(known.get(id));
  for (const action of [{ action: 'approve' }, { action: 'reject', code: 'other' }]) {
    expect(await batch({ ...action, holds: all([id, other]) })).toMatchObject({
      status: 422,
      json: { code: 'batch-differs', hold_id: other, detail: expect.stringContaining('Nothing was changed.') },
    });
  }
  for (const each of [id, other]) expect(await desk.store.holds.find(each)).toMatchObject({ version: 1 });
});

test('a decided hold has no shape any more, and an edit gives a hold another one', async () => {
  const [one, two] = [await hold(1), await hold(2)];
  await desk.post(`/api/holds/${one}/approve`, {
    body: { patch: [{ op: 'replace', path: '/amount', value: 'much' }] },
  });
  const edited = await shapes();
  expect(edited.get(one)).not.toBe(edited.get(two));
  expect(edited.get(one)).not.toBeNull();
  await desk.post(`/api/holds/${two}/approve`);
  expect((await shapes()).get(two)).toBeNull();
});

test('a batch has at most 100 holds, each once', async () => {
  const id = await hold(1);
  const many = Array.from({ length: 101 }, (_none, n) => `hold_${String(n).padStart(32, '0')}`);
  for (const ids of [many, [], [id, id]])
    expect((await batch({ action: 'approve', holds: all(ids) })).status).toBe(422);
  expect((await batch({ action: 'approve', holds: all(many.slice(1)) })).items).toHaveLength(100);
});

/** A desk on the store of `desk`, in which something is different. */
async function besides(different: Partial<AdminDeps>, use: (other: Desk) => Promise<void>): Promise<void> {
  const { holds, contents, delegations } = desk.store;
  const other = await openDesk({ holds, contents, delegations, ...different });
  try {
    await use(other);
  } finally {
    await other.close();
  }
}

test('a failure in the middle leaves each hold decided or not, and says which', async () => {
  const ids = [await hold(1), await hold(2), await hold(3)];
  const { holds } = desk.store;
  const failing: AdminDeps['holds'] = {
    ...holds,
    apply: (id, command) =>
      id === ids[1] ? Promise.reject(new Problem('store-unavailable')) : holds.apply(id, command),
  };
  await besides({ holds: failing }, async (other) => {
    const { items } = await batch({ action: 'approve', holds: all(ids) }, {}, other);
    expect(items).toMatchObject([{ done: true }, { done: false, problem: { code: 'unavailable' } }, { done: true }]);
  });
  const found = await Promise.all(ids.map((id) => holds.find(id)));
  expect(found.map((each) => each?.status)).toEqual(['approved', 'pending', 'approved']);
});

test('a batch that takes too long decides on no further hold', async () => {
  const ids = [await hold(1), await hold(2)];
  const { holds } = desk.store;
  let late = 0;
  const slow: AdminDeps['holds'] = {
    ...holds,
    async apply(id, command) {
      late = 60_000;
      return await holds.apply(id, command);
    },
  };
  await besides({ holds: slow, clock: () => desk.now + late }, async (other) => {
    const { items } = await batch({ action: 'approve', holds: all(ids) }, {}, other);
    expect(items).toMatchObject([{ done: true }, { done: false, problem: { code: 'unavailable' } }]);
  });
  expect(await desk.store.holds.find(ids[1]!)).toMatchObject({ version: 1 });
});

test('a call that cannot be displayed in full is not approved in a batch, but can be rejected', async () => {
  const id = await hold(1);
  await besides({ contents: { ...desk.store.contents, call: async () => null } }, async (other) => {
    const { items } = await batch({ action: 'approve', holds: all([id]) }, {}, other);
    expect(items).toMatchObject([{ done: false, problem: { code: 'incomplete' } }]);
    const rejected = await batch({ action: 'reject', code: 'other', holds: all([id]) }, {}, other);
    expect(rejected.items).toMatchObject([{ done: true }]);
  });
});

test('a batch works on PostgreSQL too', async () => {
  const place = await postgresPlace();
  const reviewers = [reviewer('ben')];
  const store = await openHoldStore({
    ...(place.at as { url: string }),
    key: KEY,
    node: 'test',
    reviewers,
    compose: () => [],
  });
  const { holds, contents, delegations } = store;
  const other = await openDesk({ holds, contents, delegations, clock: Date.now });
  try {
    const ids: string[] = [];
    for (let n = 0; n < 10; n += 1) {
      const { hold } = await store.holds.open(refund(`{"amount":${n}}`));
      ids.push(hold.id);
    }
    expect(new Set((await shapes(other)).values()).size).toBe(1);
    const { items } = await batch({ action: 'approve', holds: all(ids) }, {}, other);
    expect(items.map(({ done }) => done)).toEqual(ids.map(() => true));
    for (const id of ids) expect(await holds.find(id)).toMatchObject({ status: 'approved', version: 2 });
  } finally {
    await other.close();
    await store.close();
    await place.remove();
  }
});
