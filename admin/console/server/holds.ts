import { queryOptions, type QueryClient } from '@tanstack/react-query';
import type { Filter } from '../queue/filter.ts';
import { ask } from './ask.ts';
import type { GroupPage, HoldNumbers, HoldPackage, HoldSummary, HoldTimeline } from './shapes.ts';
import { isRefused } from './problem.ts';

export type { HoldPackage, HoldSummary };

type Page = { readonly items: readonly HoldSummary[]; readonly next: string | null };

/** The holds of one list, as far as they are known. */
export type HoldList = {
  readonly items: readonly HoldSummary[];
  /** Where the others are: all are here, they are on their way, or there are more than a list has. */
  readonly rest: 'here' | 'coming' | 'too-many';
};

/** Most holds of a list. More than anybody works through before they have changed. */
const MOST = 2_000;
const PAGE = 200;
/** What is due first: enough for the first screens, and quickly read. */
const FIRST_PAGE = 50;

/** What the stream has told since the list is being read: pages that were read before do not have it. Null otherwise. */
let heardMeanwhile: HoldSummary[] | null = null;

/** Everything that waits, by the clock, in one list: filters work at once, and the stream keeps it fresh. */
export const waitingQuery = queryOptions({
  queryKey: ['holds', 'waiting'],
  // Without its signal: the list is read to its end, whichever page is open by then.
  async queryFn({ client, queryKey }): Promise<HoldList> {
    const heard: HoldSummary[] = (heardMeanwhile = []);
    try {
      const list = await readList(
        { order: 'due' },
        {
          first: FIRST_PAGE,
          most: MOST,
          async begun(list) {
            // The first picture does not wait for the last page, and is not made slower by it.
            client.setQueryData(queryKey, (known: HoldList | undefined) => known ?? list);
            await painted();
          },
        },
      );
      return { ...list, items: heard.reduce(withHold, list.items) };
    } finally {
      // The list may be read anew by now.
      if (heardMeanwhile === heard) heardMeanwhile = null;
    }
  },
  staleTime: Infinity,
  // Each hold comes whole, so there is nothing to compare.
  structuralSharing: false,
});

/** Resolves when what is known by now has been painted. In a tab that is out of sight there is nothing to wait for. */
function painted(): Promise<void> {
  if (document.hidden) return Promise.resolve();
  return new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
}

/** Holds that ended, the newest of them. */
export const endedQuery = (filter: Filter) =>
  queryOptions({
    queryKey: ['holds', 'ended', filter],
    queryFn: ({ signal }) => readList(filter, { first: PAGE, most: PAGE, signal }),
  });

type Reading = {
  /** Holds of the first page, and at most. */
  readonly first: number;
  readonly most: number;
  /** Told the first page; the next is read when this resolves. */
  readonly begun?: (list: HoldList) => Promise<void>;
  readonly signal?: AbortSignal;
};

async function readList(
  filter: Filter & { readonly order?: 'due' },
  { first, most, begun, signal }: Reading,
): Promise<HoldList> {
  // A hold whose clock was moved on meanwhile comes twice; what came later is newer.
  const items = new Map<string, HoldSummary>();
  let cursor: string | null = null;
  do {
    const query = new URLSearchParams({
      ...Object.fromEntries(Object.entries(filter).map(([name, value]) => [name, String(value)])),
      limit: String(cursor === null ? first : PAGE),
      ...(cursor === null ? {} : { cursor }),
    });
    const page: Page = await ask<Page>(`/api/holds?${query}`, signal ? { signal } : {});
    const isFirst = cursor === null;
    for (const hold of page.items) items.set(hold.hold_id, hold);
    cursor = page.next;
    if (isFirst && cursor !== null) await begun?.({ items: [...items.values()], rest: 'coming' });
  } while (cursor !== null && items.size < most);
  return { items: [...items.values()], rest: cursor === null ? 'here' : 'too-many' };
}

/** One hold. Its body is parsed from its text, so the rest needs no exact numbers. */
export const holdQuery = (id: string) =>
  queryOptions({
    queryKey: ['hold', id],
    queryFn: ({ signal }) => ask<HoldPackage>(`/api/holds/${encodeURIComponent(id)}`, { signal }),
    staleTime: 30_000,
  });

/** The groups to which a hold can be escalated. */
export const groupsQuery = queryOptions({
  queryKey: ['groups'],
  queryFn: async ({ signal }) => (await ask<GroupPage>('/api/groups', { signal })).items.map(({ group }) => group),
  staleTime: 300_000,
});

export const numbersQuery = (id: string) =>
  queryOptions({
    queryKey: ['numbers', id],
    queryFn: ({ signal }) => ifServed(ask<HoldNumbers>(`/api/holds/${encodeURIComponent(id)}/numbers`, { signal })),
    staleTime: 60_000,
    retry: false,
  });

export const timelineQuery = (id: string) =>
  queryOptions({
    queryKey: ['timeline', id],
    queryFn: ({ signal }) => ifServed(ask<HoldTimeline>(`/api/holds/${encodeURIComponent(id)}/timeline`, { signal })),
    staleTime: 5_000,
    retry: false,
  });

/** Null where this gateway does not have the route. */
export async function ifServed<Answer>(asked: Promise<Answer>): Promise<Answer | null> {
  try {
    return await asked;
  } catch (error) {
    if (isRefused(error, 404)) return null;
    throw error;
  }
}

/** A hold as the list has it, if it is in one: something to show until the rest has come. */
export function summaryOf(cache: QueryClient, id: string): HoldSummary | undefined {
  return cache.getQueryData(waitingQuery.queryKey)?.items.find(({ hold_id }) => hold_id === id);
}

/** Puts what the stream tells into the lists and pages that show it. Of two the higher version is newer. */
export function heard(cache: QueryClient, hold: HoldSummary): void {
  heardMeanwhile?.push(hold);
  cache.setQueryData(waitingQuery.queryKey, (list) => list && { ...list, items: withHold(list.items, hold) });
  const query = holdQuery(hold.hold_id);
  const page = cache.getQueryState(query.queryKey);
  if (page?.data) refreshOlder(cache, page.data, hold);
  // What is on its way may have been read before the change.
  else if (page?.fetchStatus === 'fetching')
    void cache.fetchQuery(query).then(
      (read) => refreshOlder(cache, read, hold),
      () => {},
    );
  if (hold.status !== 'pending') void cache.invalidateQueries({ queryKey: ['holds', 'ended'] });
}

function refreshOlder(cache: QueryClient, page: HoldPackage, { hold_id, version }: HoldSummary): void {
  if (page.version < version) void refreshHold(cache, hold_id);
}

/** Reads again what is shown of a hold. */
export async function refreshHold(cache: QueryClient, id: string): Promise<void> {
  await Promise.all([
    cache.invalidateQueries({ queryKey: holdQuery(id).queryKey }),
    cache.invalidateQueries({ queryKey: timelineQuery(id).queryKey }),
  ]);
}

function withHold(items: readonly HoldSummary[], hold: HoldSummary): readonly HoldSummary[] {
  const at = items.findIndex(({ hold_id }) => hold_id === hold.hold_id);
  const known = items[at];
  if (!known) return hold.status === 'pending' ? [hold, ...items] : items;
  return known.version >= hold.version ? items : items.with(at, hold);
}

/** Where the result of a decision on several holds is kept, for the page that shows it. */
export const batchKey = (ids: readonly string[]) => ['batch', ...ids];
