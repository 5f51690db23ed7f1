import { useSyncExternalStore } from 'react';

const listeners = new Set<() => void>();
let timer: ReturnType<typeof setInterval> | undefined;

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  timer ??= setInterval(() => {
    for (const each of listeners) each();
  }, 1_000);
  return () => {
    listeners.delete(listener);
    if (listeners.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  };
}

/** What the clock makes of something, each second anew; renders only when that is another text, number or truth. */
export function useClock<Shown extends string | number | boolean | null>(shown: (now: number) => Shown): Shown {
  return useSyncExternalStore(subscribe, () => shown(Date.now()));
}
