import { createContext, use } from 'react';
import type { LiveState } from '../server/live.ts';

export const LiveContext = createContext<LiveState>('connecting');

/** Whether changes arrive by themselves now. */
export const useLiveState = (): LiveState => use(LiveContext);
