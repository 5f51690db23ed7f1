import { readdirSync, readFileSync } from 'node:fs';

/** Linux counts CPU time for user space in hundredths of a second on every architecture that Node runs on. */
const TICK_MICROS = 10_000;

function stat(pid: number): string[] {
  // The second field is the name in brackets and may hold spaces.
  return readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /s, '')
    .split(' ');
}

/** CPU time of a process with all its threads so far, in microseconds; null where there is no /proc. */
export function cpuMicros(pid: number): number | null {
  try {
    const fields = stat(pid);
    return (Number(fields[11]) + Number(fields[12])) * TICK_MICROS;
  } catch {
    return null;
  }
}

/** Resident memory in MiB; 0 where there is no /proc. */
export function residentMebibytes(pid: number): number {
  try {
    return Number(/^VmRSS:\s*(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024;
  } catch {
    return 0;
  }
}

/** The arguments that a process was started with; empty when it is gone. */
export function commandLine(pid: number): readonly string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').slice(0, -1);
  } catch {
    return [];
  }
}

/** A process and all that it started, itself first. */
export function descendants(pid: number): readonly number[] {
  const parents = new Map<number, number>();
  try {
    for (const entry of readdirSync('/proc')) {
      if (/^\d+$/.test(entry)) {
        try {
          parents.set(Number(entry), Number(stat(Number(entry))[1]));
        } catch {
          // Ended while we looked.
        }
      }
    }
  } catch {
    return [pid];
  }
  const found = [pid];
  for (const parent of found) for (const [child, of] of parents) if (of === parent) found.push(child);
  return found;
}
