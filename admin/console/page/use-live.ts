import { useQueryClient } from '@tanstack/react-query';
import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { heard } from '../server/holds.ts';
import { listen, type Listening, type LiveState } from '../server/live.ts';
import { sessionQuery } from '../server/session.ts';
import { heardWork } from '../server/work.ts';
import type { Live } from './live-context.ts';

/** Keeps everything fresh that the stream tells of, and tells how the connection is. */
export function useLive(): Live {
  const cache = useQueryClient();
  const [state, setState] = useState<LiveState>('connecting');
  const listening = useRef<Listening>(null);
  const watchesWork = useRef(false);
  useEffect(() => {
    const current = listen({
      hold: (hold) => heard(cache, hold),
      work: (work) => heardWork(cache, work),
      reset: () => {
        void cache.invalidateQueries({ queryKey: ['holds'] });
        void cache.invalidateQueries({ queryKey: ['hold'] });
      },
      state: setState,
      signedOut: () => cache.setQueryData(sessionQuery.queryKey, null),
    });
    listening.current = current;
    // Effects of pages run before those of the frame around them.
    current.watchWork(watchesWork.current);
    return current.stop;
  }, [cache]);
  const watchWork = useCallback((isOn: boolean) => {
    watchesWork.current = isOn;
    listening.current?.watchWork(isOn);
  }, []);
  return useMemo(() => ({ state, watchWork }), [state, watchWork]);
}
