import { queryOptions, type QueryClient } from '@tanstack/react-query';
import { workKey } from '../../../gateway/domain/work.ts';
import { ask } from './ask.ts';
import type { Work, WorkNow } from './shapes.ts';

/** Milliseconds between two readings of what was done. What happens now comes by the stream. */
const READ_INTERVAL = 5_000;

/** What agents do now, and what they did since midnight, in the time zone of the person. */
export const workQuery = queryOptions({
  queryKey: ['work'],
  queryFn: ({ signal }) => {
    const since = new Date(new Date().setHours(0, 0, 0, 0)).toISOString();
    return ask<Work>(`/api/work?${new URLSearchParams({ since })}`, { signal });
  },
  refetchInterval: READ_INTERVAL,
});

/** Puts what the stream tells of the work into the page that shows it. */
export function heardWork(cache: QueryClient, now: WorkNow): void {
  cache.setQueryData(workQuery.queryKey, (work) => work && withNow(work, now));
}

/** The work with what happens now in place of what happened before. */
export function withNow(work: Work, now: WorkNow): Work {
  const items = new Map(
    work.items.map((item) => [
      workKey(item),
      { ...item, in_flight: 0, calls: [] as Work['items'][number]['calls'], held: 0 },
    ]),
  );
  for (const { calls, ...item } of now.items) {
    const done = items.get(workKey(item)) ?? { executed: 0, failed: 0, blocked: 0, costs: [] };
    items.set(workKey(item), { ...done, ...item, calls: [...calls] });
  }
  return {
    ...work,
    at: now.at,
    items: [...items].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, item]) => item),
    missing: [...now.missing, ...work.missing.filter((part) => part === 'record')],
    is_cut: work.is_cut || now.is_cut,
  };
}
