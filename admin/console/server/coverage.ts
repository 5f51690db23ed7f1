import { queryOptions } from '@tanstack/react-query';
import type { Period } from '../page/period.tsx';
import { ask } from './ask.ts';
import type { Coverage } from './shapes.ts';

/** What rules do about each operation. Counting takes ClickHouse a moment, so it is not done again and again. */
export const coverageQuery = (period: Period) =>
  queryOptions({
    queryKey: ['coverage', period],
    queryFn: ({ signal }) => ask<Coverage>(`/api/coverage?period=${period}`, { signal }),
    staleTime: 60_000,
    retry: false,
  });
