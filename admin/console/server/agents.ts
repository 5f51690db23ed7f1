import { queryOptions } from '@tanstack/react-query';
import type { ReportRow } from '../../../gateway/domain/report.ts';
import { numbersIn } from '../agents/numbers.ts';
import { ask } from './ask.ts';
import type { Agent, System } from './shapes.ts';

/** Milliseconds between two readings: another person may suspend one meanwhile. */
const READ_INTERVAL = 5_000;

/** Milliseconds between two readings of the record, which has to add up 30 days. */
const COUNT_INTERVAL = 60_000;

/** The configured agents. */
export const agentsQuery = queryOptions({
  queryKey: ['agents', 'configured'],
  queryFn: async ({ signal }) => (await ask<{ readonly items: readonly Agent[] }>('/api/agents', { signal })).items,
  refetchInterval: READ_INTERVAL,
});

/** The configured systems. */
export const systemsQuery = queryOptions({
  queryKey: ['systems', 'configured'],
  queryFn: async ({ signal }) => (await ask<{ readonly items: readonly System[] }>('/api/systems', { signal })).items,
  refetchInterval: READ_INTERVAL,
});

type Rows = { readonly rows: readonly ReportRow[] };

/** What the record has of each agent within the last 30 days, by agent. */
export const agentNumbersQuery = queryOptions({
  queryKey: ['agents', 'numbers'],
  queryFn: async ({ signal }) => {
    const [agents, costs] = await Promise.all([
      ask<Rows>('/api/reports/agents?from=30d', { signal }),
      ask<Rows>('/api/reports/cost?by=agent&from=30d', { signal }),
    ]);
    return numbersIn(agents.rows, costs.rows);
  },
  staleTime: COUNT_INTERVAL,
  refetchInterval: COUNT_INTERVAL,
  retry: false,
});
