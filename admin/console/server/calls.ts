import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query';
import { searchIn, type CallFilter } from '../calls/call-filter.ts';
import { grown, type Tail } from '../calls/tail.ts';
import { ask } from './ask.ts';
import type { CallPage, CallStory } from './shapes.ts';

/** Calls of one page, and most that come with one look of the live tail. */
const PAGE = 50;
/** Milliseconds between two looks of the live tail. The record is a second or two behind in any case. */
const LOOK_INTERVAL = 2_000;

const read = (filter: CallFilter, cursor: string | null, signal: AbortSignal) => {
  const query = new URLSearchParams({ ...searchIn(filter, Date.now()), limit: String(PAGE) });
  if (cursor !== null) query.set('cursor', cursor);
  return ask<CallPage>(`/api/calls?${query}`, { signal });
};

/** Recorded calls, newest first, page by page. */
export const callsQuery = (filter: CallFilter) =>
  infiniteQueryOptions({
    queryKey: ['calls', filter],
    queryFn: ({ pageParam, signal }) => read(filter, pageParam, signal),
    initialPageParam: null as string | null,
    getNextPageParam: ({ next }) => next,
    retry: false,
  });

/** Most calls of a glance. */
const GLANCE = 5;

/** The last calls on record, as one glance shows them. */
export const lastCallsQuery = (filter: CallFilter) =>
  queryOptions({
    queryKey: ['calls', 'last', filter],
    queryFn: ({ signal }) =>
      ask<CallPage>(`/api/calls?${new URLSearchParams({ ...filter, limit: String(GLANCE) })}`, { signal }),
    refetchInterval: LOOK_INTERVAL,
    retry: false,
  });

/** The newest calls, again and again, together with those that came before. */
export const tailQuery = (filter: CallFilter) =>
  queryOptions({
    queryKey: ['calls', 'tail', filter],
    async queryFn({ client, queryKey, signal }): Promise<Tail> {
      const page = await read(filter, null, signal);
      return grown(client.getQueryData<Tail>(queryKey), page);
    },
    refetchInterval: LOOK_INTERVAL,
    gcTime: 0,
    retry: false,
  });

/** Everything on record about one call. Its input keeps every digit. */
export const storyQuery = (id: string) =>
  queryOptions({
    queryKey: ['call', id],
    queryFn: ({ signal }) => ask<CallStory>(`/api/calls/${encodeURIComponent(id)}`, { signal, exactly: true }),
    retry: false,
  });
