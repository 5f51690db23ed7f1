import { queryOptions } from '@tanstack/react-query';
import type { z } from 'zod';
import type { readiness } from '../../api/schemas.ts';
import { Unreachable } from './problem.ts';

/** Which parts of the gateway work. A gateway that is not ready says so with 503, in the same form. */
export const readinessQuery = queryOptions({
  queryKey: ['readiness'],
  queryFn: async ({ signal }): Promise<z.output<typeof readiness> | null> => {
    const response = await fetch('/-/readyz', { signal }).catch((cause: unknown) => {
      throw new Unreachable({ cause });
    });
    return response.headers.get('content-type')?.includes('json') ? await response.json() : null;
  },
  refetchInterval: 30_000,
});
