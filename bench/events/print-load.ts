import type { Load } from '../plan.ts';

/** Prints a `Load` as JSON, and ends the process with what it still has open. @param times milliseconds, one for each call */
export function printLoad(times: readonly number[], { seconds, failures }: Pick<Load, 'seconds' | 'failures'>): never {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (share: number): number => sorted[Math.floor(sorted.length * share)] ?? 0;
  const found: Load = { calls: sorted.length, seconds, failures, p50: at(0.5), p99: at(0.99) };
  process.stdout.write(JSON.stringify(found));
  process.exit(0);
}
