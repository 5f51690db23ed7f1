import { queryOptions } from '@tanstack/react-query';
import { ask } from './ask.ts';
import type { Agent, System } from './shapes.ts';

/** Milliseconds between two readings: another person may suspend one meanwhile. */
const READ_INTERVAL = 5_000;

/** The configured agents. */
export const agentsQuery = queryOptions({
  queryKey: ['agents'],
  queryFn: async ({ signal }) => (await ask<{ readonly items: readonly Agent[] }>('/api/agents', { signal })).items,
  refetchInterval: READ_INTERVAL,
});

/** The configured systems. */
export const systemsQuery = queryOptions({
  queryKey: ['systems'],
  queryFn: async ({ signal }) => (await ask<{ readonly items: readonly System[] }>('/api/systems', { signal })).items,
  refetchInterval: READ_INTERVAL,
});
