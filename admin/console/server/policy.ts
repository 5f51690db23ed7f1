import { queryOptions } from '@tanstack/react-query';
import type { ExactJson } from '../../../gateway/json/exact-json.ts';
import type { Period } from '../page/period.tsx';
import { ask } from './ask.ts';
import type { Evaluation, PolicyStatus, RuleHits } from './shapes.ts';

/** The policy in force. The gateway knows it without ClickHouse. */
export const policyQuery = queryOptions({
  queryKey: ['policy'],
  queryFn: ({ signal }) => ask<PolicyStatus>('/api/policy', { signal }),
  refetchInterval: 30_000,
});

/** How often each rule matched. */
export const hitsQuery = (period: Period) =>
  queryOptions({
    queryKey: ['policy', 'hits', period],
    queryFn: ({ signal }) => ask<RuleHits>(`/api/policy/hits?period=${period}`, { signal }),
    staleTime: 60_000,
    retry: false,
  });

/** What the policy in force would decide. Nothing is recorded or sent. */
export const evaluate = (input: ExactJson) =>
  ask<Evaluation>('/api/policy/evaluate', { method: 'POST', body: { input } });
