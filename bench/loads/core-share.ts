import { readFileSync } from 'node:fs';

/** Ticks that a core spent at work and in all since the machine started. */
export type CoreTicks = { readonly busy: number; readonly all: number };

/** Null where there is no /proc, or no such core. */
export function coreTicks(core: number): CoreTicks | null {
  try {
    return readTicks(readFileSync('/proc/stat', 'utf8'), core);
  } catch {
    return null;
  }
}

/** The line of a core in /proc/stat (proc_stat(5)). Time that a hypervisor kept for others is no time to work in. */
export function readTicks(stat: string, core: number): CoreTicks | null {
  const line = new RegExp(`^cpu${core} (.*)$`, 'm').exec(stat)?.[1];
  if (line === undefined) return null;
  // The guests' time that follows is in the user's already.
  const [user, nice, system, idle, iowait, irq, softirq, steal] = line.split(' ').map(Number) as number[];
  const busy = user! + nice! + system! + irq! + softirq! + (steal ?? 0);
  return { busy, all: busy + idle! + iowait! };
}

/** Share of the time between two looks in which the core was at work; null when either is. */
export function shareBetween(before: CoreTicks | null, after: CoreTicks | null): number | null {
  if (before === null || after === null || after.all <= before.all) return null;
  return (after.busy - before.busy) / (after.all - before.all);
}
