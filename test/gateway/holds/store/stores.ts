import { afterEach, beforeEach } from 'vitest';
import { isRefusal, type HoldCommand, type HoldRefusal } from '../../../../gateway/domain/hold-command.ts';
import type { Store } from '../../../../gateway/domain/store.ts';
import type { HeldResponse, Hold } from '../../../../gateway/domain/hold.ts';
import { openHoldStore, type HoldStoreOptions, type OwnedStore } from '../../../../gateway/holds/store/store.ts';
import { assertOnList } from '../../../helpers/event-check.ts';
import { KEY, reviewer } from '../../../helpers/hold.ts';
import type { Place, TestEngine } from './engines.ts';

export type Stores = {
  /** What every store's clock says. */
  now: number;
  place: Place;
  /** One more store on the same database. */
  open(
    options?: Partial<Pick<HoldStoreOptions, 'key' | 'node' | 'reviewers' | 'compose' | 'pollInterval'>>,
  ): Promise<OwnedStore>;
};

/** For each test an empty database and any number of stores on it, closed and removed after it. */
export function useStores(engine: TestEngine): Stores {
  let opened: Store[] = [];
  const stores: Stores = {
    now: 0,
    place: undefined as unknown as Place,
    async open(options = {}) {
      const clock = () => stores.now;
      const quickly = { pollInterval: 5, reviewers: [], compose: () => [] };
      const store = await openHoldStore({ ...stores.place.at, key: KEY, node: 'test', clock, ...quickly, ...options });
      opened.push(store);
      return store;
    },
  };
  beforeEach(async () => {
    stores.now = Date.now();
    stores.place = await engine.place();
    opened = [];
  });
  afterEach(async () => {
    const [first] = opened;
    // A test may have taken the database away.
    const entries = (await first?.outbox.read(0, 100_000).catch(() => [])) ?? [];
    await Promise.all(opened.map((store) => store.close()));
    await stores.place.remove();
    assertOnList(entries.map(({ event }) => event));
  });
  return stores;
}

export const approve = (name = 'ben', changes: object = {}): HoldCommand => ({
  type: 'approve',
  by: reviewer(name),
  channel: 'api',
  revision: 1,
  note: 'fine',
  seenAt: null,
  grant: null,
  ...changes,
});

export const reject: HoldCommand = {
  type: 'reject',
  by: reviewer('ben'),
  channel: 'api',
  revision: 1,
  code: 'other',
  note: null,
};

export const release = {
  type: 'release',
  attempt: 'att_1',
  by: 'worker-0',
  key: 'key-1',
  policyRevision: 'p1',
} as const;

export const response: HeldResponse = {
  status: 201,
  headers: ['Content-Type', 'application/json'],
  body: Buffer.from('{"id":"re_marker"}'),
  complete: true,
};

export const executed = { type: 'executed', attempt: 'att_1', response, cost: null, drift: null } as const;
export const failed = { type: 'failed', attempt: 'att_1', reason: 'refused' } as const;
export const indeterminate = { type: 'indeterminate', attempt: 'att_1', reason: 'reset', resendAt: null } as const;

export async function must(result: Promise<Hold | HoldRefusal>): Promise<Hold> {
  const hold = await result;
  if (isRefusal(hold)) throw new Error(hold.detail);
  return hold;
}

export async function eventTypes({ outbox }: Pick<Store, 'outbox'>): Promise<string[]> {
  return (await outbox.read(0, 1000)).map(({ event }) => event.type);
}
