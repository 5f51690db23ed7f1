import { useQueryClient } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { heard } from '../server/holds.ts';
import { listen, type LiveState } from '../server/live.ts';
import { sessionQuery } from '../server/session.ts';

/** Keeps everything fresh that the stream tells of, and tells how the connection is. */
export function useLive(): LiveState {
  const cache = useQueryClient();
  const [state, setState] = useState<LiveState>('connecting');
  useEffect(
    () =>
      listen({
        hold: (hold) => heard(cache, hold),
        reset: () => {
          void cache.invalidateQueries({ queryKey: ['holds'] });
          void cache.invalidateQueries({ queryKey: ['hold'] });
        },
        state: setState,
        signedOut: () => cache.setQueryData(sessionQuery.queryKey, null),
      }),
    [cache],
  );
  return state;
}
