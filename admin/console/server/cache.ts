import { QueryClient } from '@tanstack/react-query';
import { Refused } from './problem.ts';
import { sessionQuery } from './session.ts';

/** What the console knows of the server. Holds are kept fresh by the stream, so nothing is read again on a whim. */
export function createCache(): QueryClient {
  const cache: QueryClient = new QueryClient({
    defaultOptions: {
      queries: {
        // A refusal is an answer: asking again does not change it.
        retry: (count, error) => !(error instanceof Refused && error.status < 500) && count < 3,
        refetchOnWindowFocus: false,
        staleTime: 10_000,
      },
      mutations: { retry: false },
    },
  });
  cache.getQueryCache().subscribe(({ type, query }) => {
    if (type !== 'updated' || !(query.state.error instanceof Refused) || query.state.error.status !== 401) return;
    // The session has ended; the router then asks for a new one.
    if (cache.getQueryData(sessionQuery.queryKey) !== null) cache.setQueryData(sessionQuery.queryKey, null);
  });
  return cache;
}
