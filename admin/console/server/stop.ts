import { queryOptions } from '@tanstack/react-query';
import { ask } from './ask.ts';
import type { StopState } from './shapes.ts';

/** Whether everything is stopped. Asked again and again, as another person may stop it at any gateway of the store. */
export const stopQuery = queryOptions({
  queryKey: ['stop'],
  queryFn: ({ signal }) => ask<StopState>('/api/stop', { signal }),
  refetchInterval: 5_000,
});

export const stopEverything = (reason: string) => ask<StopState>('/api/stop', { method: 'POST', body: { reason } });

export const liftStop = () => ask<StopState>('/api/stop', { method: 'DELETE' });
