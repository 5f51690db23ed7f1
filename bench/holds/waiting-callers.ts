import { setTimeout as pause } from 'node:timers/promises';

const PATIENCE = 60_000;

/** How many callers the gateway says are waiting. */
export async function countWaiting(admin: string): Promise<number> {
  const text = await (await fetch(`${admin}/metrics`)).text();
  return Number(/^holdpoint_waiting_callers(?:\{.*\})? (\d+)$/m.exec(text)?.[1] ?? 0);
}

/** @throws Error when it takes longer than a minute until so many wait */
export async function untilWaiting(admin: string, callers: number): Promise<void> {
  const until = performance.now() + PATIENCE;
  for (let found = -1; found !== callers;) {
    found = await countWaiting(admin);
    if (performance.now() > until) throw new Error(`${found} callers wait, not ${callers}`);
    if (found !== callers) await pause(50);
  }
}
