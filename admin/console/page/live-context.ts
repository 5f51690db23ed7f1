import { createContext, use, useEffect } from 'react';
import type { LiveState } from '../server/live.ts';

export type Live = {
  readonly state: LiveState;
  /** From now on the stream also tells of the work, or no longer. */
  readonly watchWork: (isOn: boolean) => void;
};

export const LiveContext = createContext<Live>({ state: 'connecting', watchWork() {} });

/** Whether changes arrive by themselves now. */
export const useLiveState = (): LiveState => use(LiveContext).state;

/** Keeps the work fresh while a page shows it. */
export function useWorkWatch(): void {
  const { watchWork } = use(LiveContext);
  useEffect(() => {
    watchWork(true);
    return () => watchWork(false);
  }, [watchWork]);
}
