import { queryOptions, useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import { ask } from './ask.ts';
import { isRefused } from './problem.ts';
import type { SignedIn } from './shapes.ts';

/** Null when nobody is signed in. */
export const sessionQuery = queryOptions({
  queryKey: ['session'],
  queryFn: async ({ signal }): Promise<SignedIn | null> => {
    try {
      return await ask<SignedIn>('/api/session', { signal });
    } catch (error) {
      if (isRefused(error, 401)) return null;
      throw error;
    }
  },
  staleTime: 60_000,
  // For whom somebody stands in changes with the time.
  refetchInterval: 60_000,
});

/** What proves who somebody is: a reviewer's token, or the secret of a one-time link. */
export type Proof = { readonly token: string } | { readonly link: string };

export const signIn = (proof: Proof) => ask<SignedIn>('/api/session', { method: 'POST', body: proof });
export const signOut = () => ask<void>('/api/session', { method: 'DELETE' });

/** Those in whose place the person decides now: the person, and the people who are absent and have this deputy. */
export function useDeciders(): ReadonlySet<string> {
  const { data: person } = useQuery(sessionQuery);
  return useMemo(() => new Set(person ? [person.id, ...person.stands_in_for] : []), [person]);
}
