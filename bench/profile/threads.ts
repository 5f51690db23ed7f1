import { readdirSync, readFileSync } from 'node:fs';

/** CPU time of the threads of a process so far, in microseconds: the one that runs JavaScript, and the others together by name. */
export type ThreadTimes = { readonly main: number; readonly others: ReadonlyMap<string, number> };

const TICK_MICROS = 10_000;

/** @throws Error where there is no /proc */
export function threadTimes(pid: number): ThreadTimes {
  const others = new Map<string, number>();
  let main = 0;
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    const [, name, rest] = /\((.*)\) (.*)$/s.exec(readFileSync(`/proc/${pid}/task/${thread}/stat`, 'utf8'))!;
    const fields = rest!.split(' ');
    const micros = (Number(fields[11]) + Number(fields[12])) * TICK_MICROS;
    if (Number(thread) === pid) main = micros;
    else others.set(name!, (others.get(name!) ?? 0) + micros);
  }
  return { main, others };
}

/** CPU time of each thread between two readings. */
export function usedBetween(before: ThreadTimes, after: ThreadTimes): ThreadTimes {
  const others = [...after.others].map(([name, micros]) => [name, micros - (before.others.get(name) ?? 0)] as const);
  return { main: after.main - before.main, others: new Map(others) };
}
