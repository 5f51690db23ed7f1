import type { QueryClient } from '@tanstack/react-query';
import { agentsQuery, systemsQuery } from './agents.ts';
import { ask } from './ask.ts';
import type { Agent, System } from './shapes.ts';

/** What can be suspended. */
export type Suspendable = 'agent' | 'system';

/** What was suspended or resumed, as it is now. `superseded`: how many of its held calls that ended. */
export type Suspended = (Agent | System) & { readonly superseded?: number };

/** Suspends it on every gateway. Answers once this gateway applies it. */
export const suspend = (kind: Suspendable, name: string, reason: string) =>
  ask<Suspended>(pathOf(kind, name, 'suspend'), { method: 'POST', body: reason === '' ? {} : { reason } });

export const resume = (kind: Suspendable, name: string) =>
  ask<Suspended>(pathOf(kind, name, 'resume'), { method: 'POST' });

/** Puts the answer into the list that shows it, so that the row tells at once. */
export function keepSuspension(cache: QueryClient, kind: Suspendable, { id, suspended }: Suspended): void {
  const changed = <Item extends Agent | System>(items: readonly Item[] | undefined) =>
    items?.map((item) => (item.id === id ? { ...item, suspended } : item));
  if (kind === 'agent') cache.setQueryData(agentsQuery.queryKey, changed);
  else cache.setQueryData(systemsQuery.queryKey, changed);
  // What is being read may be from before the change: it is read again.
  void cache.invalidateQueries({ queryKey: (kind === 'agent' ? agentsQuery : systemsQuery).queryKey });
}

function pathOf(kind: Suspendable, name: string, verb: 'suspend' | 'resume'): string {
  return `/api/${kind}s/${encodeURIComponent(name)}/${verb}`;
}
