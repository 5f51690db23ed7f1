import { infiniteQueryOptions } from '@tanstack/react-query';
import type { DeliveryFilter } from '../deliveries/delivery-filter.ts';
import { ask } from './ask.ts';
import type { Delivery } from './shapes.ts';

/** Notifications of one page. */
const PAGE = 50;
/** Milliseconds between two readings: what waits is sent meanwhile. */
const READ_INTERVAL = 10_000;

type DeliveryPage = { readonly items: readonly Delivery[]; readonly next: string | null };

/** What people and programs were told, newest first, page by page. For operators. */
export const deliveriesQuery = ({ state }: DeliveryFilter) =>
  infiniteQueryOptions({
    queryKey: ['deliveries', state ?? null],
    queryFn: ({ pageParam, signal }) => {
      const query = new URLSearchParams({ limit: String(PAGE) });
      if (state !== undefined) query.set('state', state);
      if (pageParam !== null) query.set('cursor', pageParam);
      return ask<DeliveryPage>(`/api/notices?${query}`, { signal });
    },
    initialPageParam: null as string | null,
    getNextPageParam: ({ next }) => next,
    // Each reading reads all pages that are open: somebody who has gone far back looks at the past.
    refetchInterval: ({ state: { data } }) => (data && data.pages.length > 3 ? false : READ_INTERVAL),
  });

/** Tries one that was given up again, from the beginning. */
export const resend = (id: string) =>
  ask<Delivery>(`/api/notices/${encodeURIComponent(id)}/resend`, { method: 'POST' });
